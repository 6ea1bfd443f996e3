// One flipped bit in a closed journal: the journal is refused, or the change is told, or nothing that is shown changed.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { rowsOf } from '../migrations/journal-at.ts'
import { randomFrom } from '../support/seeded.ts'
import { copyJournal } from './support/copies.ts'
import { openSample } from './support/folders.ts'
import { good, stepEvent } from './support/sample.ts'

const flips = process.env.TUNEWRIGHT_LONG ? 2000 : 300

test(`${flips} flipped bits: none changes a figure unnoticed`, { timeout: 600_000 }, () => {
  const source = filledJournal()
  const bytes = readFileSync(source)
  const rows = rowsOf(source)
  const random = randomFrom(77)
  const seen = { refused: 0, told: 0, harmless: 0 }
  for (let flip = 0; flip < flips; flip++) {
    const damaged = Buffer.from(bytes)
    const at = Math.floor(random() * damaged.length)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    const path = copyJournal(source)
    writeFileSync(path, damaged)
    const what = tellOf(path)
    seen[what] += 1
    if (what === 'harmless') expect(rowsOf(path), `bit at byte ${at}`).toEqual(rows)
  }
  console.log(`${flips} flipped bits: ${JSON.stringify(seen)}`)
  expect(seen.refused).toBeGreaterThan(0)
  expect(seen.told).toBeGreaterThan(0)
})

/** What a person learns of a journal: it is refused, its opening or its check tells of damage, or all is well. */
function tellOf(path: string): 'refused' | 'told' | 'harmless' {
  const reader = openJournalReader(path)
  if (!reader.ok) {
    expect(reader.problem.code).toMatch(/^journal\.(corrupt|foreign-file|too-new|too-old|missing)$/)
    return 'refused'
  }
  const check = reader.value.verifyAll()
  reader.value.close()
  if (!check.ok) expect(check.problem.code).toBe('journal.corrupt')
  const isClean =
    check.ok &&
    check.value.damage.length + check.value.brokenRuns.length + check.value.changedMeasurements.length === 0
  const writer = openJournalWriter(path)
  if (!writer.ok) {
    expect(writer.problem.code).toMatch(/^journal\.(corrupt|foreign-file|too-new)$/)
    return 'refused'
  }
  const { notices } = writer.value.opened
  writer.value.close()
  return isClean && notices.length === 0 ? 'harmless' : 'told'
}

function filledJournal(): string {
  const { writer, path, newRun } = openSample()
  for (let n = 0; n < 4; n++) {
    const { id } = good(writer.createRun({ ...newRun, name: `Run ${n}`, notes: 'A note. '.repeat(20) }))
    good(writer.startAttempt(id))
    good(
      writer.appendEvents(
        id,
        1,
        Array.from({ length: 60 }, (_, i) => stepEvent(i + 1, i + 1)),
      ),
    )
    good(
      writer.addEvaluation({
        runId: id,
        subject: 'tuned',
        datasetFingerprint: newRun.recipe.data.fingerprint,
        metrics: { accuracy: 0.75 },
        answers: Array.from({ length: 30 }, (_, i) => ({
          rowId: `row-${i}`,
          expected: 'billing',
          answer: 'returns',
          scores: { exact: 0 },
        })),
      }),
    )
    good(writer.addComparison({ runId: id, body: { verdict: 'no measurable difference' } }))
  }
  good(writer.close())
  return path
}
