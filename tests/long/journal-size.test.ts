// A journal of many years: 10,000 runs and 1,000,000 events. Prints how long things take (figures are in docs/journal.md);
// asserts only that the answers are right. Runs with npm run test:long.
import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { openSample } from '../journal/support/folders.ts'
import { good, stepEvent } from '../journal/support/sample.ts'

const runs = 10_000
const eventsPerRun = 100

test(`${runs} runs with ${eventsPerRun} events each`, { timeout: 1_800_000 }, () => {
  const { writer, path, newRun } = openSample()
  const ids: string[] = []
  time('write all', () => {
    for (let n = 0; n < runs; n++) {
      const { id } = good(
        writer.createRun({ ...newRun, name: `Run ${n}`, notes: n % 100 === 0 ? 'remarkable' : '' }),
      )
      ids.push(id)
      good(writer.startAttempt(id))
      good(
        writer.appendEvents(
          id,
          1,
          Array.from({ length: eventsPerRun }, (_, i) => stepEvent(i + 1, i + 1, 1 / (i + n + 1))),
        ),
      )
      good(
        writer.finishRun(id, {
          reason: 'completed',
          bestStep: 1,
          bestLossNats: 1 / (n + 1),
          adapterSha256: null,
        }),
      )
    }
  })
  const reader = good(openJournalReader(path))
  time('first page of the list', () => expect(good(reader.listRuns()).total).toBe(runs))
  time('page at 9,900', () => expect(good(reader.listRuns({ offset: 9900 })).runs).toHaveLength(100))
  time('all in one page', () => expect(good(reader.listRuns({ limit: runs })).runs).toHaveLength(runs))
  time('sorted by best loss', () =>
    expect(good(reader.listRuns({ sort: 'bestLoss', order: 'ascending' })).runs[0]?.id).toBe(ids.at(-1)),
  )
  time('search of a word in notes', () =>
    expect(good(reader.listRuns({ text: 'remarkable' })).total).toBe(100),
  )
  time('one run', () => good(reader.getRun(ids[5000] as string)))
  time('one curve', () => expect(good(reader.curve(ids[5000] as string)).train).toHaveLength(eventsPerRun))
  time('one commit of 20 events', () => {
    const { id } = good(writer.createRun(newRun))
    good(writer.startAttempt(id))
    good(
      writer.appendEvents(
        id,
        1,
        Array.from({ length: 20 }, (_, i) => stepEvent(i + 1, i + 1)),
      ),
    )
  })
  time('backup with verification', () => {
    const report = good(writer.backup())
    expect(report).toMatchObject({ runs: runs + 1, events: runs * eventsPerRun + 20 })
    console.log(`  ${Math.round(report.bytes / 1e6)} MB`)
  })
  time('check of everything', () =>
    expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] }),
  )
  reader.close()
  time('close', () => good(writer.close()))
  console.log(`  journal: ${Math.round(statSync(path).size / 1e6)} MB`)
  time('open again', () => good(good(openJournalWriter(path)).close()))
})

function time(what: string, work: () => void): void {
  const start = performance.now()
  work()
  console.log(`  ${what}: ${(performance.now() - start).toFixed(1)} ms`)
}
