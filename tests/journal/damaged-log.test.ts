// Power loss, simulated: the log's unsynced tail is cut, blanked, torn in sectors or filled with rubbish. A journal opens
// with a prefix of what was committed, or says that it is damaged; it never opens with anything else.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countDroppedCommits } from '#journal/log-check.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { randomFrom } from '../support/seeded.ts'
import { copyJournal } from './support/copies.ts'
import { openSample } from './support/folders.ts'
import { good, stepEvent } from './support/sample.ts'

const rounds = process.env.TUNEWRIGHT_LONG ? 500 : 30

type Damage = (log: Buffer, random: () => number) => Buffer

const sectorBytes = 512

const damages: Record<string, Damage> = {
  'cut off': (log, random) => log.subarray(0, Math.floor(random() * log.length)),
  'blanked from somewhere on': (log, random) => Buffer.from(log).fill(0, Math.floor(random() * log.length)),
  'filled with rubbish from somewhere on': (log, random) => {
    const damaged = Buffer.from(log)
    for (let i = Math.floor(random() * log.length); i < log.length; i++)
      damaged[i] = Math.floor(random() * 256)
    return damaged
  },
  'one bit flipped': (log, random) => {
    const damaged = Buffer.from(log)
    const at = Math.floor(random() * log.length)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    return damaged
  },
  'some sectors of the tail never written': (log, random) => {
    const damaged = Buffer.from(log)
    const from = Math.floor(random() * log.length)
    for (let at = from - (from % sectorBytes); at + sectorBytes <= log.length; at += sectorBytes)
      if (random() < 0.5) damaged.fill(0, at, at + sectorBytes)
    return damaged
  },
  'two sectors exchanged': (log, random) => {
    const damaged = Buffer.from(log)
    const sectors = Math.floor(log.length / sectorBytes)
    const a = Math.floor(random() * sectors) * sectorBytes
    const b = Math.floor(random() * sectors) * sectorBytes
    log.copy(damaged, a, b, b + sectorBytes)
    log.copy(damaged, b, a, a + sectorBytes)
    return damaged
  },
}

let alive: ReturnType<typeof openSample>
let source = ''
let runId = ''
let fullLog: Buffer
/** Hash of the run's last event after each commit: the only states that may ever be seen. */
const committed = new Map<number, string>()

beforeAll(() => {
  alive = openSample()
  const { writer, path, newRun } = alive
  runId = good(writer.createRun(newRun)).id
  good(writer.startAttempt(runId))
  for (let commit = 0; commit < 40; commit++) {
    const first = good(writer.appendEvents(runId, 1, [])).headSeq + 1
    const events = Array.from({ length: 1 + (commit % 4) }, (_, i) => stepEvent(first + i, first + i))
    const { headSeq, headHash } = good(writer.appendEvents(runId, 1, events))
    committed.set(headSeq, headHash)
  }
  source = copyJournal(path)
  fullLog = readFileSync(`${source}-wal`)
  expect(fullLog.length).toBeGreaterThan(100_000)
})
afterAll(() => {
  good(alive.writer.close())
})

test.each(Object.keys(damages))('a log that was %s', { timeout: 300_000 }, (name) => {
  const random = randomFrom(name.length)
  const seen = { prefixes: 0, whole: 0, problems: 0, noticed: 0 }
  for (let round = 0; round < rounds; round++) {
    const path = copyJournal(source, { withLog: false })
    writeFileSync(`${path}-wal`, (damages[name] as Damage)(fullLog, random))
    const dropped = countDroppedCommits(path)
    if (round % 4 === 0) {
      const writer = openJournalWriter(path)
      if (writer.ok) {
        expect(writer.value.opened.notices.length).toBe(dropped > 0 ? 1 : 0)
        good(writer.value.close())
      } else expect(writer.problem.code).toBe('journal.corrupt')
    }
    const reader = openJournalReader(path)
    if (!reader.ok) {
      // Before anything was committed the file holds no journal that a reader could know.
      expect(['journal.corrupt', 'journal.too-old', 'journal.missing']).toContain(reader.problem.code)
      seen.problems += 1
      continue
    }
    const state = stateOf(reader.value)
    if (state === 'all') expect(dropped).toBe(0)
    if (dropped > 0) seen.noticed += 1
    reader.value.close()
    if (state === 'all') seen.whole += 1
    else seen.prefixes += 1
  }
  console.log(`${name}: ${JSON.stringify(seen)} of ${rounds}`)
  expect(seen.prefixes).toBeGreaterThan(rounds / 10)
})

test('damage in the middle of the log is noticed, a sound log and a torn last commit are not', () => {
  expect(countDroppedCommits(source)).toBe(0)
  const path = copyJournal(source)
  const frames = (fullLog.length - 32) / (24 + 4096)
  const flipped = (frame: number) => {
    const damaged = Buffer.from(fullLog)
    const at = 32 + frame * (24 + 4096) + 2000
    damaged[at] = (damaged[at] ?? 0) ^ 1
    writeFileSync(`${path}-wal`, damaged)
    return countDroppedCommits(path)
  }
  expect(flipped(frames - 1)).toBe(0)
  expect(flipped(0)).toBeGreaterThan(30)
  writeFileSync(`${path}-wal`, fullLog.subarray(0, fullLog.length - 700))
  expect(countDroppedCommits(path)).toBe(0)
  const writer = openJournalWriter(path)
  expect(good(writer).opened.notices).toEqual([])
  good(good(writer).close())
})

/** Checks that the journal holds a prefix of the commits; "all" where it holds every one. */
function stateOf(reader: JournalReader): string {
  const check = good(reader.verifyAll())
  expect(check).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
  const run = reader.getRun(runId)
  if (!run.ok) {
    expect(run.problem.code).toBe('run.unknown')
    return 'before the run'
  }
  const { headSeq, lastStep } = run.value
  expect(lastStep ?? 0).toBe(headSeq)
  if (headSeq === 0) return 'before the first event'
  expect(good(reader.events(runId, headSeq - 1))[0]?.hash).toBe(committed.get(headSeq))
  return headSeq === Math.max(...committed.keys()) ? 'all' : 'some'
}
