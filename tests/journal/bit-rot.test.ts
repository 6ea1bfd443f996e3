// A closed journal that a disk or a careless hand damaged: flipped bits, blanked and exchanged pages, cut ends. Each is
// refused with a sentence, or every single answer that it gives is the one it gave before, or that answer is refused. A
// wrong figure is never given. What was refused goes back to its backup.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { openForeignJournal } from '#journal/foreign.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { ok, type Result } from '#shared/result.ts'
import { randomFrom } from '../support/seeded.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { good, stepEvent } from './support/sample.ts'
import { addSampleStudy } from './support/study.ts'

const mutants = process.env.TUNEWRIGHT_LONG ? 3000 : 200
const pageBytes = 4096

type Random = () => number
type Mutation = (bytes: Buffer, random: Random) => Buffer

const flipBits =
  (most: number): Mutation =>
  (bytes, random) => {
    const first = Math.floor(random() * bytes.length)
    for (let n = 0; n < most; n++) {
      const at = (first + Math.floor(random() * 64)) % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    }
    return bytes
  }
const pageOf = (bytes: Buffer, random: Random): number =>
  pageBytes * Math.floor(random() * (bytes.length / pageBytes))

const mutations: readonly Mutation[] = [
  flipBits(1),
  flipBits(1),
  flipBits(4),
  (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
  (bytes, random) => bytes.subarray(0, pageOf(bytes, random)),
  (bytes, random) => {
    const at = pageOf(bytes, random)
    return bytes.fill(0, at, at + pageBytes)
  },
  (bytes, random) => {
    const [one, other] = [pageOf(bytes, random), pageOf(bytes, random)]
    const kept = Buffer.from(bytes.subarray(one, one + pageBytes))
    bytes.copy(bytes, one, other, other + pageBytes)
    kept.copy(bytes, other)
    return bytes
  },
]

test(`${mutants} damaged journals: right, refused, or put back from the backup`, {
  timeout: 900_000,
}, () => {
  const { path, backup, answers, ofBackup } = filledJournal()
  const whole = readFileSync(path)
  const random = randomFrom(77)
  const seen = { right: 0, refused: 0, partly: 0 }
  for (let n = 0; n < mutants; n++) {
    const damaged = mutations[n % mutations.length]!(Buffer.from(whole), random)
    if (damaged.equals(whole)) continue
    const copy = place(damaged, backup)
    const outcome = outcomeOf(copy, answers, `mutant ${n}`)
    seen[outcome] += 1
    const way = otherWays[n % otherWays.length]!
    outcomeOf(copy, way.asked(answers), `mutant ${n}, ${way.name}`, way.open)
    if (outcome === 'right' || n % 5 !== 0) continue
    good(restoreBackup(copy))
    const reader = good(openJournalReader(copy))
    expect(answersOf(reader), `mutant ${n}, restored`).toEqual(ofBackup)
    reader.close()
  }
  console.log(`${mutants} damaged journals: ${JSON.stringify(seen)}`)
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})

type Outcome = 'right' | 'refused' | 'partly'

/** As the program opens it: for writing, and a reader beside that. */
function opened(path: string): Result<JournalReader> {
  const writer = openJournalWriter(path)
  if (!writer.ok) return writer
  const reader = openJournalReader(path)
  if (!reader.ok) writer.value.close()
  if (!reader.ok) return reader
  const close = (): void => {
    reader.value.close()
    // What cannot be closed is damaged too.
    writer.value.close()
  }
  return ok({ ...reader.value, close })
}

function lookedInto(path: string): Result<JournalReader> {
  const found = openForeignJournal(path, { folder: temporaryFolder() })
  return found.ok ? ok(found.value.reader) : found
}

const ofEvents = (answers: Answers): Answers =>
  new Map([...answers].filter(([question]) => /(?:curve|events|notices|time at work)$/.test(question)))

/** The terminal's reading commands, a journal from a stick, and what reading events finds where nobody looked at the file. */
const otherWays = [
  {
    ...{ name: 'only read', asked: (answers: Answers) => answers },
    open: (path: string) => openJournalReader(path, { isUnchecked: true }),
  },
  { name: 'looked into', asked: (answers: Answers) => answers, open: lookedInto },
  { name: 'events alone', asked: ofEvents, open: openJournalReader },
] as const

/** Throws where a figure is another one than it was. */
function outcomeOf(path: string, answers: Answers, what: string, open = opened): Outcome {
  const reader = open(path)
  if (!reader.ok) {
    expect(reader.problem.code, what).toMatch(
      /^journal\.(corrupt|changed|foreign-file|missing|too-new|too-old)$/,
    )
    expect(`${reader.problem.message}${reader.problem.remedy}`.length).toBeGreaterThan(40)
    return 'refused'
  }
  try {
    let isPartly = false
    for (const [question, answer] of answersOf(reader.value, what)) {
      if (answer === refusedAnswer) isPartly = true
      else if (answers.has(question)) expect(answer, `${what}: ${question}`).toEqual(answers.get(question))
    }
    return isPartly ? 'partly' : 'right'
  } finally {
    reader.value.close()
  }
}

type Answers = ReadonlyMap<string, unknown>
const refusedAnswer = Symbol('refused')

/** Every question that a screen or the terminal asks, with its answer. */
function answersOf(reader: JournalReader, what = 'whole'): Answers {
  const answers = new Map<string, unknown>()
  const ask = <T>(question: string, result: Result<T>): T | null => {
    if (!result.ok) expect(result.problem.code, `${what}: ${question}`).toBe('journal.corrupt')
    answers.set(question, result.ok ? result.value : refusedAnswer)
    return result.ok ? result.value : null
  }
  ask('projects', reader.projects())
  ask('models', reader.models())
  ask('data sets', reader.datasets())
  ask('queue', reader.queue())
  ask('views', reader.savedViews())
  ask('facets', reader.facets())
  for (const sort of ['created', 'bestLoss', 'name', 'learningRate', 'proof'] as const)
    ask(`experiments by ${sort}`, reader.experiments({ sort, hasTrials: true, archived: 'with' }))
  ask('found', reader.listRuns({ text: 'note' }))
  for (const runId of runIds) {
    ask(`${runId}`, reader.getRun(runId))
    ask(`${runId} curve`, reader.curve(runId))
    ask(`${runId} thin curve`, reader.thinCurve(runId, 20))
    ask(`${runId} events`, reader.events(runId))
    ask(`${runId} notices`, reader.eventsOfKind(runId, 'notice', 10))
    ask(`${runId} time at work`, reader.timeAtWork(runId))
    ask(`${runId} evaluations`, reader.evaluations(runId))
    ask(`${runId} comparisons`, reader.comparisons(runId))
    ask(`${runId} artifacts`, reader.artifacts(runId))
    ask(`${runId} links`, reader.links(runId))
  }
  ask('studies', reader.studies())
  for (const studyId of studyIds) ask(`${studyId} trials`, reader.trials(studyId))
  return answers
}

const runIds = ['run-0', 'run-1', 'run-2', 'run-3']
const studyIds = ['study-0']

/** A journal with something in every table, its backup (which lacks the last run's name), and what both answer. */
function filledJournal() {
  const { writer, path, newRun } = openSample()
  const fingerprint = newRun.recipe.data.fingerprint
  for (const id of runIds) {
    good(writer.createRun({ ...newRun, id, name: `Run ${id}`, notes: 'A note. '.repeat(20), tags: ['mail'] }))
    good(writer.startAttempt(id))
    const events = Array.from({ length: 60 }, (_, i) => stepEvent(i + 1, i + 1))
    const notice = { seq: 61, atMs: 1_750_000_000_061, kind: 'notice', body: { text: 'A notice.' } }
    good(writer.appendEvents(id, 1, [...events, notice]))
    const answers = Array.from({ length: 30 }, (_, i) => ({
      ...{ rowId: `row-${i}`, expected: 'billing', answer: 'returns', scores: { exact: 0 } },
    }))
    const measured = { runId: id, datasetFingerprint: fingerprint, metrics: { accuracy: 0.75 }, answers }
    good(writer.addEvaluation({ ...measured, subject: 'tuned' }))
    good(writer.addComparison({ runId: id, body: { verdict: 'no measurable difference' } }))
    const file = { runId: id, kind: 'adapter', path: `runs/${id}/adapter`, bytes: 9, sha256: 'b'.repeat(64) }
    good(writer.addArtifact({ ...file, kind: 'adapter' }))
  }
  good(writer.addLink({ runId: 'run-1', kind: 'repeats', parent: 'run-0' }))
  good(writer.saveView({ name: 'Mine', query: { text: 'mail' } }))
  addSampleStudy(writer, newRun, studyIds[0]!)
  // A restore lays to rest what was under way.
  good(writer.changeStudy(studyIds[0]!, { status: 'paused' }))
  good(writer.dequeue('study', studyIds[0]!))
  good(writer.backup())
  const ofBackup = read(path)
  good(writer.renameRun('run-3', 'Renamed after the backup'))
  const answers = read(path)
  good(writer.close())
  const folder = join(dirname(path), 'backups')
  return { path, backup: join(folder, readdirSync(folder)[0]!), answers, ofBackup }
}

function read(path: string): Answers {
  const reader = good(openJournalReader(path))
  const answers = answersOf(reader)
  reader.close()
  expect([...answers.values()]).not.toContain(refusedAnswer)
  return answers
}

function place(bytes: Buffer, backup: string): string {
  const path = join(temporaryFolder(), 'journal.db')
  writeFileSync(path, bytes)
  const folder = join(dirname(path), 'backups')
  mkdirSync(folder)
  copyFileSync(backup, join(folder, backup.split('/').at(-1)!))
  return path
}

test('an event whose kind rotted is not passed over: its curve is refused (it lacked a step)', () => {
  const { path, backup } = filledJournal()
  const bytes = readFileSync(path)
  // The kind and the body of an event lie beside each other; pages that are free hold old copies.
  for (let at = bytes.indexOf('step{"'); at >= 0; at = bytes.indexOf('step{"', at + 1))
    if (bytes.subarray(at, at + 300).includes('"step":24,')) bytes[at] = 'r'.charCodeAt(0)
  const copy = place(bytes, backup)
  const writer = good(openJournalWriter(copy))
  const reader = good(openJournalReader(copy))
  for (const read of [(id: string) => reader.curve(id), (id: string) => reader.thinCurve(id, 40)]) {
    const refused = runIds.map(read).filter((curve) => !curve.ok)
    expect(refused.length).toBeGreaterThan(0)
    for (const curve of refused) expect(curve).toMatchObject({ problem: { code: 'journal.corrupt' } })
    for (const curve of runIds.map(read)) if (curve.ok) expect(curve.value.train).toHaveLength(60)
  }
  reader.close()
  writer.close()
})
