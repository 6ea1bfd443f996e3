// The table of experiments: settings and the newest result beside each run, and long curves in few points.
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { createThinner } from '#journal/thin-curve.ts'
import { randomFrom } from '../support/seeded.ts'
import { openSample } from './support/folders.ts'
import { evaluationEvent, good, stepEvent } from './support/sample.ts'

const proofBody = (value: number) => ({
  metric: 'accuracy',
  baseline: { metric: 'accuracy', value: 0.3, low: 0.2, high: 0.4 },
  tuned: { metric: 'accuracy', value, low: value - 0.1, high: value + 0.1 },
  verdict: { kind: 'better', sentence: 'Better.' },
})

test('each run has its settings, its notes and its newest proof', () => {
  let nowMs = 1_750_000_000_000
  const { writer, path, newRun } = openSample({ now: () => (nowMs += 1000) })
  const { id } = good(writer.createRun({ ...newRun, notes: 'a note' }))
  good(writer.createRun({ ...newRun, name: 'Not proved' }))
  const evaluation = (subject: 'base' | 'tuned') => ({
    runId: id,
    subject,
    datasetFingerprint: newRun.recipe.data.fingerprint,
    metrics: {},
    answers: [],
  })
  for (const value of [0.5, 0.75])
    good(
      writer.addProof({
        base: evaluation('base'),
        tuned: evaluation('tuned'),
        comparison: { runId: id, body: proofBody(value) },
      }),
    )
  const reader = good(openJournalReader(path))
  const { rows, total } = good(reader.experiments({ sort: 'created', order: 'ascending' }))
  expect(total).toBe(2)
  expect(rows[0]).toMatchObject({
    id,
    notes: 'a note',
    method: 'lora',
    rank: newRun.recipe.method?.rank,
    learningRate: 2e-4,
    batchRows: 8,
    proof: { metric: 'accuracy', tuned: { value: 0.75 }, base: { value: 0.3 }, verdict: 'better' },
  })
  expect(rows[1]?.proof).toBeNull()
  expect(good(reader.experiment(id))).toEqual(rows[0])
  reader.close()
  good(writer.close())
})

test('a thin curve keeps first, last, lowest and highest points and every measurement', () => {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  const steps = 5000
  const loss = (step: number) => (step === 1234 ? 99 : step === 4321 ? -1 : 2 / Math.sqrt(step))
  const events = Array.from({ length: steps }, (_, index) => stepEvent(index + 1, index + 1, loss(index + 1)))
  good(writer.appendEvents(id, 1, [...events, evaluationEvent(steps + 1, steps, 0.5, true)]))
  const reader = good(openJournalReader(path))
  const { train, validation } = good(reader.thinCurve(id, 200))
  expect(train.length).toBeLessThanOrEqual(200)
  expect(train.length).toBeGreaterThan(50)
  expect([train[0]?.step, train.at(-1)?.step]).toEqual([1, steps])
  const kept = train.map(({ step }) => step)
  expect(kept).toEqual(expect.arrayContaining([1234, 4321]))
  expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
  expect(validation.map(({ step }) => step)).toEqual([steps])
  expect(good(reader.thinCurve(id, 10_000)).train).toEqual(good(reader.curve(id)).train)
  reader.close()
  good(writer.close())
})

test('any number of points in any order stays within the limit', () => {
  const random = randomFrom(3)
  for (const most of [4, 7, 64]) {
    const thinner = createThinner<{ step: number; lossNats: number }>(most)
    for (let n = 0; n < 3000; n++)
      thinner.add({ step: Math.floor(random() * 100_000) + 1, lossNats: random() })
    const points = thinner.points()
    expect(points.length).toBeLessThanOrEqual(most)
    expect(points.length).toBeGreaterThan(0)
  }
})
