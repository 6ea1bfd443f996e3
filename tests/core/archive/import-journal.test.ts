// Another computer's journal brought in: everything under its own id, once; what is here stays; what cannot be trusted is
// refused; a stop, a kill or a full disk leaves the journal as it was.
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { importJournal } from '#core/archive/import-journal.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { newestVersion } from '#journal/migrate.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { ImportReport } from '#shared/contract/index.ts'
import { fail, unwrap } from '#shared/result.ts'
import { startChild } from '../../journal/support/child.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import {
  addSampleLibrary,
  evaluationEvent,
  good,
  sampleRecipe,
  stepEvent,
} from '../../journal/support/sample.ts'
import { journalAt } from '../../migrations/journal-at.ts'
import { forgeRows } from '../../support/forged-rows.ts'
import { randomFrom } from '../../support/seeded.ts'
import { addRun, falsifyLoss, otherJournal } from './other-journal.ts'
import { quietly } from './real-library.ts'

vi.setConfig({ testTimeout: 300_000 })

const [kills, mutants] = process.env.TUNEWRIGHT_LONG ? [12, 60] : [4, 30]

interface Here {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
}
const opened: Here[] = []
afterAll(() => {
  for (const { reader, writer } of opened) {
    reader.close()
    writer.close()
  }
})

function here(home = join(temporaryFolder(), 'library')): Here {
  const library = openLibrary(home)
  const writer = good(openJournalWriter(library.journalPath))
  const station = { library, writer, reader: good(openJournalReader(library.journalPath)) }
  opened.push(station)
  return station
}

const bringIn = async (path: string, station: Here): Promise<ImportReport> =>
  unwrap(await importJournal(path, station, quietly))
const problemOf = async (path: string, station: Here) => {
  const result = await importJournal(path, station, quietly)
  if (result.ok) throw new Error(`it was brought in: ${JSON.stringify(result.value)}`)
  return result.problem
}

/** Rows of the tables that a journal carries elsewhere, by table. */
function rowsOf(path: string): Record<string, unknown[]> {
  const db = new Database(path, { readonly: true })
  const tables =
    'projects models datasets runs events evaluations answers comparisons test_set_openings studies trials'
  const all = Object.fromEntries(
    tables.split(' ').map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all()]),
  )
  db.close()
  return all
}

const everythingIsSound = (reader: JournalReader): void =>
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })

describe('a whole journal', () => {
  test('comes in under its own ids with everything that belongs to it, marked with where it is from', async () => {
    const other = otherJournal()
    const station = here()
    const report = await bringIn(other.path, station)
    expect(report).toEqual({ projects: 2, runs: 8, studies: 1, known: 0, refused: [], notices: [] })
    const { reader, library } = station
    const wanted = rowsOf(other.path)
    const found = rowsOf(library.journalPath)
    for (const table of ['projects', 'models', 'datasets', 'events', 'evaluations', 'answers', 'comparisons'])
      expect(found[table], table).toEqual(wanted[table])
    expect(found.trials).toEqual(wanted.trials)
    expect(found.test_set_openings).toEqual(wanted.test_set_openings)
    expect(
      good(reader.links(other.runIds[1]!))
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['imported-from', 'retried-from'])
    expect(good(reader.links(other.studyId))).toMatchObject([{ kind: 'imported-from', parent: 'journal.db' }])
    expect(good(reader.savedViews())).toMatchObject([{ name: 'Good ones' }])
    expect(good(reader.getRun(other.runIds[0]!))).toMatchObject({ rating: 5, isPinned: true, tags: ['mine'] })
    expect(good(reader.listRuns({ text: 'word3' })).runs.map(({ name }) => name)).toEqual(['Run 3'])
    everythingIsSound(reader)
  })

  test('nothing of it goes on by itself here: its search is stopped, its waiting runs are at rest', async () => {
    const other = otherJournal()
    const { reader, ...station } = here()
    await bringIn(other.path, { reader, ...station })
    expect(good(reader.study(other.studyId))).toMatchObject({ status: 'stopped', reason: expect.any(String) })
    const { runs } = good(reader.listRuns({ hasTrials: true }))
    expect(runs.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 6 }, () => 'finished'),
      ...['interrupted', 'interrupted'],
    ])
    expect(good(reader.queue())).toEqual([])
    // Files that stayed on the other computer count as removed.
    expect(good(reader.artifacts(other.runIds[0]!))[0]?.removedAtMs).toEqual(expect.any(Number))
  })

  test('a second time everything is known, and nothing changes, whatever a person renamed since', async () => {
    const other = otherJournal()
    const station = here()
    await bringIn(other.path, station)
    good(station.writer.renameRun(other.runIds[0]!, 'My name for it'))
    good(station.writer.setNotes(other.runIds[1]!, 'mine'))
    const before = rowsOf(station.library.journalPath)
    const again = await bringIn(other.path, station)
    expect(again).toEqual({ projects: 0, runs: 0, studies: 0, known: 9, refused: [], notices: [] })
    expect(rowsOf(station.library.journalPath)).toEqual(before)
  })

  test('a backup comes in too, and a journal that is open with its newest entries beside it', async () => {
    const path = join(temporaryFolder(), 'journal.db')
    const writer = good(openJournalWriter(path))
    const newRun = addSampleLibrary(writer)
    const first = addRun(writer, { ...newRun, name: 'Before' }, 1, 5)
    const backup = good(writer.backup())
    const second = addRun(writer, { ...newRun, name: 'After' }, 2, 5)
    const open = here()
    expect(existsSync(`${path}-wal`)).toBe(true)
    expect(await bringIn(path, open)).toMatchObject({ runs: 2, notices: [] })
    expect(good(open.reader.getRun(second)).name).toBe('After')
    const fromBackup = here()
    expect(await bringIn(backup.path, fromBackup)).toMatchObject({ runs: 1, notices: [] })
    expect(good(fromBackup.reader.getRun(first)).name).toBe('Before')
    // What came after the backup comes with the next import.
    expect(await bringIn(path, fromBackup)).toMatchObject({ runs: 1, known: 1 })
    // Without its log a journal that was open may lack its newest entries, and that is said.
    const alone = join(temporaryFolder(), 'journal.db')
    copyFileSync(path, alone)
    const { notices } = await bringIn(alone, here())
    expect(notices).toEqual([expect.stringContaining('may be missing')])
    good(writer.close())
  })

  test('a run that went on there since is taken on to where it is', async () => {
    const path = join(temporaryFolder(), 'journal.db')
    const writer = good(openJournalWriter(path))
    const { id } = good(writer.createRun(addSampleLibrary(writer)))
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, 1), stepEvent(2, 2)]))
    good(writer.setRunStatus(id, 'interrupted'))
    const station = here()
    expect(await bringIn(path, station)).toMatchObject({ runs: 1 })
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 2, [stepEvent(3, 3), evaluationEvent(4, 3, 0.5, true)]))
    good(writer.finishRun(id, { reason: 'completed', bestStep: 3, bestLossNats: 0.5, adapterSha256: null }))
    expect(await bringIn(path, station)).toMatchObject({ runs: 1, known: 0, refused: [] })
    expect(good(station.reader.getRun(id))).toMatchObject({
      status: 'finished',
      bestLossNats: 0.5,
      headSeq: 4,
    })
    everythingIsSound(station.reader)
    good(writer.close())
  })

  test('projects of one name are told apart, and stay two', async () => {
    const other = otherJournal()
    const station = here()
    good(station.writer.ensureProject({ name: 'Support mail', scenario: 'classification' }))
    expect(await bringIn(other.path, station)).toMatchObject({ projects: 2, runs: 8, refused: [] })
    expect(
      good(station.reader.projects())
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Empty', 'Support mail', 'Support mail (from journal.db)'])
  })

  test.each([1, 2, 3, 4, 5, 6, 7].filter((version) => version < newestVersion))(
    'of schema %i is brought up to date in a copy, and the file stays as it was',
    async (version) => {
      const path = journalAt(version)
      const recipe = { ...sampleRecipe(7), model: { id: 'starter', weightsSha256: 'a'.repeat(64) } }
      const db = new Database(path)
      if (version > 1)
        db.prepare('UPDATE runs SET recipe = ?').run(
          JSON.stringify({ ...recipe, data: { fingerprint: 'print-1' } }),
        )
      db.close()
      const bytes = readFileSync(path)
      const station = here()
      const report = await bringIn(path, station)
      expect(report).toMatchObject({ projects: 1, runs: version > 1 ? 1 : 0, refused: [] })
      if (version > 1)
        expect(good(station.reader.getRun('run-1'))).toMatchObject({ name: 'Old run', headSeq: 5 })
      if (version > 6) expect(good(station.reader.trials('study-1'))).toHaveLength(2)
      expect(readFileSync(path).equals(bytes)).toBe(true)
      everythingIsSound(station.reader)
    },
  )
})

describe('what does not go together', () => {
  test('runs of one id with other contents are refused by name, and all others come in', async () => {
    const other = otherJournal()
    const station = here()
    await bringIn(other.path, station)
    const db = new Database(other.path)
    db.prepare('UPDATE runs SET seed = 4711 WHERE id = ?').run(other.runIds[2])
    db.prepare('UPDATE sessions SET contents_sha256 = NULL').run()
    db.close()
    const again = await bringIn(other.path, station)
    expect(again).toMatchObject({ runs: 0, known: 8 })
    expect(again.refused).toEqual([
      { what: 'Run 2', reason: expect.stringContaining('There is another run with this id here.') },
    ])
    expect(good(station.reader.getRun(other.runIds[2]!)).seed).toBe(2)
  })

  test('a run that went another way here is refused, and what is here stays', async () => {
    const path = join(temporaryFolder(), 'journal.db')
    const writer = good(openJournalWriter(path))
    const { id } = good(writer.createRun(addSampleLibrary(writer)))
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, 1)]))
    good(writer.setRunStatus(id, 'interrupted'))
    const station = here()
    await bringIn(path, station)
    good(station.writer.startAttempt(id))
    good(station.writer.appendEvents(id, 2, [stepEvent(2, 2, 0.1)]))
    good(station.writer.setRunStatus(id, 'interrupted'))
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 2, [stepEvent(2, 2, 0.9)]))
    const report = await bringIn(path, station)
    expect(report.refused).toEqual([
      { what: 'First try', reason: expect.stringContaining('with another story from event 2 on') },
    ])
    expect(good(station.reader.curve(id)).train[1]?.lossNats).toBe(0.1)
    good(writer.close())
  })

  test('a model of one name with other weights keeps its runs out', async () => {
    const other = otherJournal()
    const station = here()
    good(
      station.writer.addModel({
        ...{ id: 'starter', name: 'Mine', source: 'file', licence: 'MIT', parameters: 1 },
        weightsSha256: 'c'.repeat(64),
      }),
    )
    const report = await bringIn(other.path, station)
    expect(report).toMatchObject({ runs: 0, studies: 0 })
    expect(report.refused).toHaveLength(9)
    expect(report.refused[0]?.reason).toContain('The model "Mine" has other weights here.')
  })

  test.each([
    [
      'a path that leads out of the library',
      "UPDATE artifacts SET path = '../../.bashrc'",
      'expected a path',
    ],
    ['a run whose id is a path', 'ID', 'Its id is not one that Tunewright makes.'],
    ['a recipe that is none', 'UPDATE runs SET recipe = \'{"version":9}\'', 'a value that cannot be taken'],
    ['a data set whose name leads elsewhere', 'DATASET', 'Its id is not one'],
  ])('%s is refused', async (_what, change, reason) => {
    const other = otherJournal({ runs: 1 })
    const db = new Database(other.path)
    db.pragma('foreign_keys = OFF')
    const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
      name: string
      sql: string
    }[]
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
    if (change === 'ID') {
      const { id } = db.prepare("SELECT id FROM runs WHERE name = 'Run 0'").get() as { id: string }
      db.prepare("UPDATE runs SET id = '../../evil' WHERE id = ?").run(id)
      for (const table of ['events', 'evaluations', 'comparisons', 'test_set_openings', 'artifacts'])
        db.prepare(`UPDATE ${table} SET run_id = '../../evil' WHERE run_id = ?`).run(id)
      db.prepare("UPDATE search_documents SET run_id = '../../evil' WHERE run_id = ?").run(id)
    } else if (change === 'DATASET') {
      db.exec(`UPDATE datasets SET fingerprint = '../evil'`)
      for (const table of ['runs', 'evaluations', 'test_set_openings'])
        db.exec(`UPDATE ${table} SET dataset_fingerprint = '../evil'`)
      db.exec(`UPDATE runs SET recipe = json_set(recipe, '$.data.fingerprint', '../evil')`)
    } else db.exec(change)
    for (const { sql } of triggers) db.exec(sql)
    db.exec('UPDATE sessions SET contents_sha256 = NULL')
    db.close()
    const station = here()
    const report = await bringIn(other.path, station)
    expect(report.refused.map((one) => one.reason).join('\n')).toContain(reason)
    expect(good(station.reader.listRuns()).runs.filter(({ name }) => name === 'Run 0')).toEqual([])
    everythingIsSound(station.reader)
  })
})

describe('what cannot be trusted', () => {
  test.each([
    ['text', Buffer.from('id,name\n1,x\n'), 'journal.foreign-file'],
    ['nothing', Buffer.alloc(0), 'journal.missing'],
    ['zeros', Buffer.alloc(100_000), 'journal.foreign-file'],
  ])('a file of %s is refused', async (_what, content, code) => {
    const path = join(temporaryFolder(), 'given.db')
    writeFileSync(path, content)
    expect(await problemOf(path, here())).toMatchObject({ code, where: path })
  })

  test('another program’s database, a newer journal and a folder are refused with a sentence', async () => {
    const foreign = join(temporaryFolder(), 'photos.db')
    const db = new Database(foreign)
    db.exec('CREATE TABLE photos (id INTEGER)')
    db.close()
    const station = here()
    expect(await problemOf(foreign, station)).toMatchObject({ code: 'journal.foreign-file' })
    const newer = otherJournal({ runs: 1 }).path
    const later = new Database(newer)
    later.pragma(`user_version = ${newestVersion + 1}`)
    later.prepare("INSERT INTO migrations VALUES (?, 'later', ?, 0)").run(newestVersion + 1, 'f'.repeat(64))
    later.close()
    expect(await problemOf(newer, station)).toMatchObject({ code: 'journal.too-new' })
    expect((await problemOf(temporaryFolder(), station)).code).toBe('file.unsafe')
    expect((await problemOf(join(temporaryFolder(), 'none.db'), station)).code).toBe('file.missing')
    expect(good(station.reader.listRuns()).total).toBe(0)
  })

  test('one changed event keeps its run out by name; the others come in', async () => {
    const other = otherJournal()
    forgeRows(
      other.path,
      'events_never_change',
      `UPDATE events SET body = replace(body, '"step":3', '"step":33') WHERE run_id = ? AND seq = 3`,
      other.runIds[4],
    )
    const station = here()
    const report = await bringIn(other.path, station)
    expect(report).toMatchObject({ runs: 7 })
    expect(report.refused).toEqual([
      {
        what: 'Run 4',
        reason: expect.stringContaining('Event 3 of this run is not what was written there.'),
      },
    ])
    everythingIsSound(station.reader)
  })

  test('a changed note, pages that were flipped, a file cut short: refused, or every run as it was', async () => {
    const other = otherJournal({ runs: 4, events: 60 })
    const wanted = rowsOf(other.path)
    const bytes = readFileSync(other.path)
    const random = randomFrom(7)
    let refused = 0
    for (let n = 0; n < mutants; n += 1) {
      const copy = Buffer.from(bytes)
      const place = Math.floor(random() * bytes.length)
      copy[place] = copy[place]! ^ (1 << Math.floor(random() * 8))
      const path = join(temporaryFolder(), 'journal.db')
      writeFileSync(path, n % 10 === 9 ? copy.subarray(0, place) : copy)
      const station = here()
      const result = await importJournal(path, station, quietly)
      if (!result.ok) {
        refused += 1
        expect(result.problem.code).toMatch(/^journal\.(corrupt|foreign-file|too-new|missing)$/)
        expect(good(station.reader.listRuns({ hasTrials: true })).total).toBe(0)
        continue
      }
      const found = rowsOf(station.library.journalPath)
      const ids = new Set((found.runs as { id: string }[]).map(({ id }) => id))
      for (const table of ['events', 'evaluations', 'comparisons'])
        expect(found[table], `byte ${place}, ${table}`).toEqual(
          (wanted[table] as { run_id: string }[]).filter(({ run_id }) => ids.has(run_id)),
        )
      if (ids.size < 6) expect(result.value.refused.length).toBeGreaterThan(0)
    }
    expect(refused).toBeGreaterThan(0)
  })
})

describe('cut short', () => {
  /** Rows of all tables but the sessions, which every opening adds to. */
  const isEmpty = (path: string): boolean => Object.values(rowsOf(path)).every((rows) => rows.length === 0)

  test('a kill leaves the journal as it was, and importing again brings all of it', async () => {
    const other = otherJournal({ runs: 40, events: 60 })
    const wanted = rowsOf(other.path)
    const random = randomFrom(11)
    const script = '../../core/archive/importer.ts'
    let isWhole = false
    let empty = 0
    for (let kill = 0; kill < kills; kill += 1) {
      const home = join(temporaryFolder(), 'library')
      const child = startChild(script, [home, other.path])
      // Lines: open, the check, one for each of 42 runs, the writing.
      await child.untilLine(2 + Math.floor(random() * 44))
      await wait(random() * 5)
      child.process.kill('SIGKILL')
      const { errors } = await child.gone
      expect(errors).toBe('')
      const { journalPath } = openLibrary(home)
      isWhole = !isEmpty(journalPath)
      empty += isWhole ? 0 : 1
      if (isWhole) expect(rowsOf(journalPath).events).toEqual(wanted.events)
      const again = startChild(script, [home, other.path])
      expect((await again.gone).lines.at(-1)).toBe('done')
      const found = rowsOf(journalPath)
      for (const table of ['events', 'evaluations', 'answers', 'comparisons', 'trials', 'projects'])
        expect(found[table], table).toEqual(wanted[table])
    }
    expect(empty).toBeGreaterThan(kills / 2)
  })

  test('one who stops it finds the journal as it was, wherever it had come', async () => {
    const other = otherJournal({ runs: 4 })
    const phases = new Set<string>()
    for (let at = 1; ; at += 1) {
      const station = here()
      const stop = new AbortController()
      let told = 0
      const tell = (phase: string): void => {
        told += 1
        if (told !== at) return
        phases.add(phase)
        stop.abort()
      }
      const result = await importJournal(other.path, station, { signal: stop.signal, tell })
      if (told < at) {
        expect(unwrap(result)).toMatchObject({ runs: 6, studies: 1 })
        break
      }
      expect(result).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
      expect(isEmpty(station.library.journalPath), `told ${at} times`).toBe(true)
      expect(readdirSync(station.library.cacheFolder)).toEqual([])
    }
    expect([...phases]).toEqual([
      'Checking the journal',
      'Checking every entry',
      'Writing it into your journal',
    ])
  })

  test('a command that fails for want of space ends it with nothing of it, and later it comes in', async () => {
    const other = otherJournal()
    const station = here()
    let left = 3
    const full = fail({
      code: 'journal.disk-full',
      message: 'Full.',
      where: 'here',
      remedy: 'Free some space.',
    } as const)
    const writer: Pick<JournalWriter, 'importing'> = {
      importing(source, choice) {
        const real = station.writer.importing(source, choice)
        if (!real.ok) return real
        const run = (id: string) => (left-- > 0 ? real.value.run(id) : full)
        return { ok: true, value: { ...real.value, run } }
      },
    }
    const result = await importJournal(other.path, { library: station.library, writer }, quietly)
    expect(result).toMatchObject({ ok: false, problem: { code: 'journal.disk-full' } })
    expect(isEmpty(station.library.journalPath)).toBe(true)
    expect(await bringIn(other.path, station)).toMatchObject({ runs: 8, known: 0, studies: 1 })
  })
})

describe('a trial', () => {
  test('whose loss its run did not measure comes in without it, and that is said', async () => {
    const other = otherJournal()
    falsifyLoss(other.path)
    const station = here()
    const report = await bringIn(other.path, station)
    expect(report).toMatchObject({ studies: 1 })
    expect(report.refused).toEqual([
      { what: 'Overnight, trial 1', reason: expect.stringContaining('is not what its run measured') },
    ])
    const [trial] = good(station.reader.trials(other.studyId))
    expect(trial).toMatchObject({ status: 'failed', lossNats: null, lossStep: null })
    // The same once more is known.
    expect(await bringIn(other.path, station)).toMatchObject({ runs: 0, studies: 0, known: 9 })
    everythingIsSound(station.reader)
  })
})
