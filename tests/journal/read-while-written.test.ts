// A run that is being written, read by another process: each answer is of one moment. (A step that came between the curve
// and the run's own row was taken for one that is missing, and the journal for damaged.)
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { startChild } from './support/child.ts'
import { temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

test('curves, events of a kind and times are never called damaged while steps come in', async () => {
  const path = join(temporaryFolder(), 'journal.db')
  const child = startChild('step-appender.ts', [path])
  await child.untilLine(1)
  const [id = ''] = child.lines
  const reader = good(openJournalReader(path))
  try {
    const steps = new Set<number>()
    for (let reached = 0; reached < 600; ) {
      const curve = good(reader.curve(id))
      reached = curve.train.length
      steps.add(reached)
      expect(curve.train.at(-1)?.step).toBe(reached)
      good(reader.thinCurve(id, 40))
      good(reader.eventsOfKind(id, 'notice', 2))
      good(reader.timeAtWork(id))
    }
    // It was written meanwhile.
    expect(steps.size).toBeGreaterThan(10)
  } finally {
    reader.close()
    child.process.kill('SIGKILL')
    await child.gone
  }
})
