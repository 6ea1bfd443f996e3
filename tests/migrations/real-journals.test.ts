// Journals with real runs, proofs and searches, as programs of every schema left them: what those programs showed is what
// is shown after the upgrade, bit for bit, and everything that a person does with a journal can be done with them.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { newestVersion } from '#journal/migrate.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type Api, journalForms } from '#shared/contract/index.ts'
import { openWorkstation, temporaryHome } from '../core/workstation/open-workstation.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { good } from '../journal/support/sample.ts'
import { columnsOf, dumpRows, readRaw } from './journal-at.ts'
import {
  derivedFrom,
  deriveJournal,
  placeReal,
  realJournals,
  type ShownRun,
  shownBy,
} from './real-journals.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** In the quick run each form but the lines is tried with one journal. */
const isLong = Boolean(process.env.TUNEWRIGHT_LONG)

const proved = (shown: readonly ShownRun[]) => shown.filter(({ comparisons }) => comparisons.length > 0)

/** What a run's page says of it, as far as the program of that day said it too. */
async function expectAsShown(api: Api, shown: readonly ShownRun[], journal?: string): Promise<void> {
  for (const { run, curve } of shown) {
    const view = good(await api.call('training.get', { runId: run.id, ...(journal && { journal }) }))
    const { recipe, ...facts } = run
    expect(view.run).toMatchObject(pick(facts))
    // A setting that came later stands beside those of then, with what was done without it.
    expect(view.run.recipe).toMatchObject({
      ...recipe,
      batch: { packing: false, ...(recipe.batch as object) },
    })
    expect([view.train, view.validation]).toEqual([curve.train, curve.validation])
  }
}

const pick = ({ id, name, status, notes, tags, seed, ...figures }: Omit<ShownRun['run'], 'recipe'>) => {
  const { lastStep, totalSteps, bestStep, bestLossNats, attempts, adapterSha256, endReason } = figures
  const ends = { lastStep, totalSteps, bestStep, bestLossNats, attempts, adapterSha256, endReason }
  return { id, name, status, notes, tags, seed, ...ends }
}

async function expectProofs(api: Api, shown: readonly ShownRun[], path: string): Promise<void> {
  for (const { run, comparisons } of proved(shown)) {
    const { body } = comparisons.at(-1) as ShownRun['comparisons'][number]
    const { summary } = good(await api.call('proof.get', { runId: run.id }))
    const { rows, metric, baseline, tuned, verdict } = body
    expect(summary).toMatchObject({ rows, metric, baseline, tuned, verdict })
    const { answers, total } = good(
      await api.call('proof.answers', { runId: run.id, view: 'all', limit: 100 }),
    )
    expect(total).toBe(rows)
    const written = readRaw(path, (db) =>
      db.prepare('SELECT row_id, subject, expected, answer FROM v_answers WHERE run = ?').all(run.id),
    ) as { row_id: string; subject: 'base' | 'tuned'; expected: string; answer: string }[]
    expect(written).toHaveLength(2 * rows)
    for (const { row_id, subject, expected, answer } of written) {
      const found = answers.find(({ rowId }) => rowId === row_id)
      expect([found?.expected, found?.[subject].text]).toEqual([expected, answer])
    }
  }
}

async function expectExperiments(api: Api, shown: readonly ShownRun[], path: string): Promise<void> {
  const teams = shown.find(({ run }) => run.notes.includes('café')) as ShownRun
  const wider = shown.find(({ run }) => run.notes.startsWith('Twice')) as ShownRun
  const all = good(await api.call('experiments.list', { hasTrials: true, archived: 'with', limit: 100 }))
  expect(all.rows.map(({ id }) => id).sort()).toEqual(shown.map(({ run }) => run.id).sort())
  const found = async (text: string) =>
    good(await api.call('experiments.list', { text, archived: 'with' })).rows.map(({ id }) => id)
  expect(await found('cafe sorted')).toEqual([teams.run.id])
  const answered = readRaw(path, (db) =>
    db.prepare("SELECT DISTINCT run FROM v_answers WHERE answer = 'money'").pluck().all(),
  )
  expect(answered).not.toHaveLength(0)
  expect((await found('MON')).sort()).toEqual(answered.sort())
  const runIds = [teams.run.id, wider.run.id]
  const { curves } = good(await api.call('experiments.curves', { runIds }))
  expect(curves.map(({ train, validation }) => [train, validation])).toEqual(
    [teams, wider].map(({ curve }) => [pairs(curve.train), pairs(curve.validation)]),
  )
  const compared = good(await api.call('experiments.compare', { runIds }))
  const differing = compared.settings.filter(({ values }) => values.length > 1).map(({ path }) => path)
  expect(differing.sort()).toEqual(['method.alpha', 'method.rank', 'optimizer.learningRate', 'seed'])
  expect(new Set(compared.lockedRows)).toEqual(new Set([expect.any(String)]))
  const [teamsProof, widerProof] = [teams, wider].map(({ comparisons }) => comparisons[0]?.body.tuned)
  const accuracy = compared.metrics.find(({ metric }) => metric === 'accuracy')
  expect(accuracy?.values).toMatchObject([plain(teamsProof), plain(widerProof)])
  const side = good(await api.call('experiments.answers', { runIds }))
  expect(side.total).toBe(teams.comparisons[0]?.body.rows)
  const { nodes } = good(await api.call('experiments.lineage', { runId: teams.run.id }))
  const repeats = shown.filter(({ run }) => run.name === 'Teams (repeat)')
  expect(nodes.map(({ name }) => name).sort()).toEqual(
    ['Teams', 'messages.csv', ...repeats.map(({ run }) => run.name)].sort(),
  )
  const { entries } = good(await api.call('experiments.timeline', { limit: 100 }))
  expect(entries.find(({ id }) => id === teams.run.id)?.words).toContain('café')
}

const pairs = (points: readonly { step: number; lossNats: number }[]) =>
  points.map(({ step, lossNats }) => [step, lossNats])
const plain = (interval: { value: number; low: number; high: number } | undefined) =>
  interval && { value: interval.value, low: interval.low, high: interval.high }

const sound = { damage: [], brokenRuns: [], changedMeasurements: [] }

/** A reader beside what is open. */
function reading<T>(path: string, work: (reader: JournalReader) => T): T {
  const reader = good(openJournalReader(path))
  try {
    return work(reader)
  } finally {
    reader.close()
  }
}

describe.each(realJournals)('the journal $name', ({ name, schema }) => {
  const shown = shownBy(name)
  let home: string
  let path: string
  beforeEach(async () => {
    home = await temporaryHome()
    path = placeReal(name, openLibrary(home).journalPath)
  })

  test('is upgraded, and shows what its own program showed', async () => {
    const { api, workstation } = await openWorkstation(home)
    expect(workstation.damage).toBeNull()
    expect(readdirSync(join(home, 'backups')).filter((one) => one.startsWith('before-schema'))).toHaveLength(
      schema < newestVersion ? 1 : 0,
    )
    await expectAsShown(api, shown)
    await expectProofs(api, shown, path)
    await expectExperiments(api, shown, path)
    expect(reading(path, (reader) => good(reader.verifyAll()))).toEqual(sound)
    const { studies } = good(await api.call('studies.list', {}))
    expect(studies.map((one) => one.name)).toEqual(schema < 8 ? [] : ['Which rate'])
    for (const { id } of studies) {
      const { trials } = good(await api.call('studies.get', { studyId: id }))
      const of = (runId: string | null) => shown.find(({ run }) => run.id === runId)?.run.bestLossNats
      expect(trials.map(({ lossNats }) => lossNats)).toEqual(trials.map(({ runId }) => of(runId)))
    }
  })

  test('can be worked on: marked, searched by its marks, shown on every screen, backed up, and gone back to', async () => {
    const { api } = await openWorkstation(home)
    const [{ run }] = shown as [ShownRun]
    const marks = { rating: 5, isPinned: true, tags: ['old'], notes: 'Seen again after the upgrade.' }
    expect(good(await api.call('experiments.edit', { runId: run.id, ...marks }))).toMatchObject(marks)
    const found = good(await api.call('experiments.list', { text: 'upgrade', minRating: 5 })).rows
    expect(found.map(({ id }) => id)).toEqual([run.id])
    const { projects } = good(await api.call('projects.list', {}))
    expect(projects.map(({ project }) => project.name)).toContain('Teams')
    for (const { project } of projects) good(await api.call('projects.get', { projectId: project.id }))
    expect(good(await api.call('experiments.facets', {})).tags).toContain('old')
    expect(good(await api.call('journal.get', {}))).toMatchObject({ schema: newestVersion, damage: null })
    good(await api.call('models.list', {}))
    good(await api.call('storage.list', {}))
    good(await api.call('queue.list', {}))
    good(await api.call('journal.backup', {}))
    // Its model and rows are on the computer of then.
    expect(await api.call('training.repeat', { runId: run.id })).toMatchObject({
      problem: { message: expect.stringContaining('cannot be repeated') },
    })
    expect(reading(path, (reader) => good(reader.verifyAll()))).toEqual(sound)
    const { backups } = good(await api.call('journal.get', {}))
    const before = backups.find(({ isBeforeUpgrade }) => isBeforeUpgrade)
    expect(before === undefined).toBe(schema === newestVersion)
    if (before !== undefined) good(await api.call('journal.restore', { name: before.name }))
    if (before !== undefined) await expectAsShown(api, shown)
  })

  test('is carried out, and brought into another one with the same figures', async () => {
    const { api, ended } = await openWorkstation(home)
    const at = realJournals.findIndex((one) => one.name === name)
    for (const form of journalForms.filter((one, n) => isLong || n === at || one === 'jsonl')) {
      const runIds = form === 'bundle' ? shown.map(({ run }) => run.id) : null
      const { jobId } = good(await api.call('journal.export', { form, runIds }))
      expect(await ended(jobId)).toMatchObject({ status: 'done', problem: null })
    }
    const { exports } = good(await api.call('journal.exports', {}))
    const lines = exports.find(({ form }) => form === 'jsonl')
    const events = readFileSync(join(lines?.place ?? '', 'events.jsonl'), 'utf8')
      .trim()
      .split('\n')
    expect(events).toHaveLength(
      readRaw(path, (db) => db.prepare('SELECT count(*) FROM events').pluck().get()) as number,
    )
    const files = readFileSync(join(lines?.place ?? '', 'artifacts.jsonl'), 'utf8')
      .trim()
      .split('\n')
    const here = files.map((line) => JSON.parse(line)).filter(({ removedAtMs }) => removedAtMs === null)
    // What a run wrote again is there once, though programs of then did not say so.
    expect(new Set(here.map(({ runId, path }) => `${runId} ${path}`)).size).toBe(here.length)
    const elsewhere = await openWorkstation()
    elsewhere.picked.set('old', placeReal(name, join(temporaryFolder(), 'journal.db')))
    const { jobId } = good(await elsewhere.api.call('journal.import', { handle: 'old' }))
    expect(await elsewhere.ended(jobId)).toMatchObject({ status: 'done', problem: null })
    const { report } = good(await elsewhere.api.call('journal.imported', { jobId }))
    expect(report).toMatchObject({ runs: shown.length, refused: [] })
    await expectAsShown(elsewhere.api, shown)
  })

  test('is looked into without one byte of it changing', async () => {
    const { api, picked } = await openWorkstation()
    const stick = placeReal(name, join(temporaryFolder(), 'journal.db'))
    const before = [readFileSync(stick), statSync(stick).mtimeMs]
    picked.set('stick', stick)
    const { journalId, schema: found } = good(await api.call('journal.open', { handle: 'stick' }))
    expect(found).toBe(schema)
    await expectAsShown(api, shown, journalId)
    expect([readFileSync(stick), statSync(stick).mtimeMs]).toEqual(before)
    expect(readdirSync(join(stick, '..'))).toEqual(['journal.db'])
  })
})

describe.each(Object.keys(derivedFrom).map(Number))('a journal of schema %i with real rows', (version) => {
  test('is upgraded, keeps its rows, and shows what was shown of them', () => {
    const path = deriveJournal(version)
    const before = readRaw(path, (db) => ({ rows: dumpRows(db), columns: columnsOf(db) }))
    expect(before.rows.projects).not.toHaveLength(0)
    good(good(openJournalWriter(path)).close())
    expect(readRaw(path, (db) => dumpRows(db, before.columns))).toEqual(before.rows)
    const shown = version === 1 ? [] : shownBy(derivedFrom[version] ?? 'schema-5')
    reading(path, (reader) => {
      expect(good(reader.verifyAll())).toEqual(sound)
      for (const { run, curve, comparisons } of shown) {
        expect(good(reader.getRun(run.id)).recipe).toMatchObject(run.recipe)
        expect(good(reader.curve(run.id))).toEqual(curve)
        expect(good(reader.comparisons(run.id)).map(({ body }) => body)).toEqual(
          version < 3 ? [] : comparisons.map(({ body }) => body),
        )
      }
    })
  })
})
