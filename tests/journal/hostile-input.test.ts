// Commands meet anything a caller can make. Each answers with a Result; none throws, none writes half, and afterwards the
// journal is what the accepted commands say.
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { runStatuses } from '#shared/journal-types.ts'
import { randomFrom } from '../support/seeded.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good, stepEvent } from './support/sample.ts'
import { addSampleStudy, sampleSpec, sampleTrial } from './support/study.ts'

const calls = process.env.TUNEWRIGHT_LONG ? 200_000 : 3000

const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
const deep = () => {
  let value: unknown = 1
  for (let i = 0; i < 3000; i++) value = [value]
  return value
}

/** Values that have broken programs before. */
const strange: (() => unknown)[] = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => -1,
  () => -0,
  () => 1.5,
  () => 2 ** 53,
  () => 2 ** 31,
  () => 10n,
  () => '',
  () => ' ',
  () => 'x'.repeat(100_001),
  () => 'half \ud83d',
  () => 'nul \0 byte',
  () => "'; DROP TABLE runs; --",
  () => '../../etc/passwd',
  () => '__proto__',
  () => true,
  () => [],
  () => {
    const sparse: unknown[] = [1]
    sparse[3] = 2
    return sparse
  },
  () => ({}),
  () => JSON.parse('{"__proto__": {"polluted": true}}'),
  () => new Date(0),
  () => new Map([[1, 2]]),
  () => new Uint8Array(4),
  () => () => 1,
  () => Symbol('s'),
  () => cyclic,
  deep,
  () => ({ toJSON: () => 'other' }),
  () => Object.create(null),
]

type Call = readonly [name: keyof JournalWriter, ...input: unknown[]]

test(`${calls} calls with hostile input`, { timeout: 600_000 }, () => {
  const { writer, path, newRun } = openSample()
  const random = randomFrom(4711)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  addSampleStudy(writer, newRun, 'study-a')
  let trials = 2
  let seq = 0
  const fingerprint = newRun.recipe.data.fingerprint
  const answers = [{ rowId: 'r', expected: 'a', answer: 'b', scores: { exact: 1 } }]
  const problem = { code: 'trainer.crashed', message: 'm', where: 'w', remedy: 'r' } as const
  const valid = (): Call =>
    pick<Call>([
      ['addProject', { name: `p${random()}`, scenario: 'classification', goal: 'g' }],
      ['ensureProject', { name: 'Support mail', scenario: 'classification' }],
      [
        'addModel',
        {
          id: `m${random()}`,
          name: 'n',
          source: 's',
          licence: 'l',
          weightsSha256: 'a'.repeat(64),
          parameters: 1,
        },
      ],
      [
        'addDataset',
        {
          fingerprint: `f${random()}`,
          scenario: 'classification',
          sourceName: 'n',
          manifest: { a: [1] },
          counts: { train: 1, validation: 1, test: 1, leftOut: 0 },
        },
      ],
      ['createRun', { ...newRun, tags: ['a'] }],
      ['appendEvents', id, 1, [stepEvent(seq + pick([1, 1, 5]), seq + 1)]],
      ['setRunStatus', id, pick(runStatuses.filter((status) => status === 'running' || status === 'paused'))],
      ['renameRun', id, 'n'],
      ['setNotes', id, 'n'],
      ['setTags', id, ['a', 'b']],
      [
        'addEvaluation',
        { runId: id, subject: 'base', datasetFingerprint: fingerprint, metrics: { a: 1 }, answers },
      ],
      [
        'addProof',
        {
          base: { runId: id, subject: 'base', datasetFingerprint: fingerprint, metrics: {}, answers },
          tuned: { runId: id, subject: 'tuned', datasetFingerprint: fingerprint, metrics: {}, answers },
          comparison: { runId: id, body: { verdict: 'v' } },
        },
      ],
      ['addComparison', { runId: id, body: { verdict: 'v' } }],
      ['recordTestSetOpening', { datasetFingerprint: fingerprint, runId: id, purpose: 'proof' }],
      ['addArtifact', { runId: id, kind: 'adapter', path: 'a/b', bytes: 1, sha256: 'b'.repeat(64) }],
      ['markArtifactRemoved', 'artifact-x'],
      ['createStudy', { projectId: newRun.projectId, name: 'n', spec: sampleSpec }],
      ['changeStudy', 'study-a', { name: 'n', notes: 'n', schedule: null, reason: 'r', workedMs: 3 }],
      ['addTrial', sampleTrial('study-a', trials), pick([null, newRun])],
      [
        'endTrial',
        {
          ...{ studyId: 'study-a', number: trials - 1, status: 'failed', lossNats: null, lossStep: null },
          ...{ rungLosses: [{ share: 0.5, lossNats: 1 }], reason: 'half \ud83d', work: null },
        },
      ],
      ['removeStudy', 'study-a'],
      ['enqueue', { kind: 'run', id, priority: pick([-1, 0, 1]) }],
      ['dequeue', 'study', 'study-b'],
      ['moveInQueue', 'run', id, pick([1, -1] as const)],
      ['addLink', { runId: id, kind: 'imported-from', parent: 'laptop' }],
      ['markRun', id, { rating: 3, isPinned: true, isArchived: false }],
      ['saveView', { name: 'v', query: { text: 'half \ud83d', tags: [] } }],
      ['removeView', 'v'],
      ['noteCheck', { atMs: 1, isSound: true, findings: ['half \ud83d'], tookMs: 1 }],
      ['failRun', 'run-nobody', { status: 'crashed', problem }],
      ['finishRun', 'run-nobody', { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }],
      ['startAttempt', 'run-nobody', { backend: 'b', device: {}, versions: { a: '1' } }],
    ])
  const seen: Record<string, number> = {}
  for (let n = 0; n < calls; n++) {
    const [name, ...input] = valid()
    const target = random() < 0.75 ? Math.floor(random() * input.length) : -1
    const spoiled = input.map((value, i) => (i === target || random() < 0.1 ? spoil(value, random) : value))
    const command = writer[name] as (...args: unknown[]) => ReturnType<JournalWriter['createRun']>
    const answer = command(...spoiled)
    const outcome = answer.ok ? 'ok' : answer.problem.code
    seen[outcome] = (seen[outcome] ?? 0) + 1
    if (!answer.ok) {
      expect(answer.problem.code).toMatch(
        /^(journal\.(invalid|unknown|conflict|gap|transition)|run\.(unknown|active)|study\.unknown|project\.unknown)$/,
      )
      for (const part of ['message', 'where', 'remedy'] as const) expect(answer.problem[part]).not.toBe('')
    }
    seq = good(writer.appendEvents(id, 1, [])).headSeq
    if (answer.ok && name === 'addTrial') trials += 1
  }
  console.log(JSON.stringify(seen))
  expect(Object.keys(seen)).toEqual(
    expect.arrayContaining(['ok', 'journal.invalid', 'run.unknown', 'journal.gap']),
  )
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()

  const reader = good(openJournalReader(path))
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
  for (const run of good(reader.listRuns({ limit: 10_000 })).runs) good(reader.getRun(run.id))
  good(reader.evaluations(id))
  good(reader.comparisons(id))
  good(reader.artifacts(id))
  for (const study of good(reader.studies())) good(reader.trials(study.id))
  expect(good(reader.trials('study-a'))).toHaveLength(trials)
  good(reader.queue())
  good(reader.links(id))
  good(reader.savedViews())
  good(reader.lastCheck())
  reader.close()
  good(writer.close())
})

/** The value with one part, somewhere in it, replaced, removed or added. */
function spoil(value: unknown, random: () => number): unknown {
  const strangeOne = () => (strange[Math.floor(random() * strange.length)] as () => unknown)()
  if (typeof value !== 'object' || value === null || random() < 0.2) return strangeOne()
  if (Array.isArray(value)) {
    if (value.length === 0 || random() < 0.2) return [...value, strangeOne()]
    const at = Math.floor(random() * value.length)
    return value.map((part, i) => (i === at ? spoil(part, random) : part))
  }
  const keys = Object.keys(value)
  const key = keys[Math.floor(random() * keys.length)] ?? 'extra'
  const what = random()
  if (what < 0.1) return { ...value, [`extra${random()}`]: strangeOne() }
  if (what < 0.2) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  return { ...value, [key]: spoil((value as Record<string, unknown>)[key], random) }
}

test('a view is not saved under a name that nobody can see', () => {
  const { writer, path } = openSample()
  for (const name of [' ', '\u202e', '\u200b\t', '\u3164', '\u2800'])
    expect(writer.saveView({ name, query: {} })).toMatchObject({
      ok: false,
      problem: { code: 'journal.invalid', message: expect.stringContaining('can be seen') },
    })
  for (const name of ['?', ' mine ', '\u05d0\u202e', '\u{1f600}']) good(writer.saveView({ name, query: {} }))
  const reader = good(openJournalReader(path))
  expect(good(reader.savedViews())).toHaveLength(4)
  reader.close()
  good(writer.close())
})

test('text that begins with a zero character is refused where it must not be empty', () => {
  const { writer, path, newRun } = openSample()
  // Bug: to SQLite it was empty, and its own refusal flew on as an error.
  for (const name of ['\0', '\0after', '']) {
    expect(codeOf(writer.createRun({ ...newRun, name }))).toBe('journal.invalid')
    expect(codeOf(writer.createStudy({ projectId: newRun.projectId, name, spec: sampleSpec }))).toBe(
      'journal.invalid',
    )
    expect(codeOf(writer.saveView({ name, query: {} }))).toBe('journal.invalid')
  }
  const { id } = good(writer.createRun({ ...newRun, name: 'in\0side', notes: '\0', tags: ['a\0'] }))
  const reader = good(openJournalReader(path))
  expect(good(reader.getRun(id))).toMatchObject({ name: 'in\0side', notes: '\0', tags: ['a\0'] })
  reader.close()
  good(writer.close())
})
