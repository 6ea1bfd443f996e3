// The table of experiments: settings and the newest result beside each run, and long curves in few points.
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { createThinner } from '#journal/thin-curve.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { type RunSort, runVerdicts } from '#shared/journal-commands.ts'
import { methodKinds } from '#shared/recipe.ts'
import { randomFrom } from '../support/seeded.ts'
import { openSample } from './support/folders.ts'
import { evaluationEvent, good, stepEvent } from './support/sample.ts'

const proofBody = (value: number, kind = 'better') => ({
  metric: 'accuracy',
  baseline: { metric: 'accuracy', value: 0.3, low: 0.2, high: 0.4 },
  tuned: { metric: 'accuracy', value, low: value - 0.1, high: value + 0.1 },
  verdict: { kind, sentence: 'As measured.' },
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

/** What a row is sorted by; null stands last in either order. */
const sortedBy: Readonly<Partial<Record<RunSort, (row: ExperimentRow) => string | number | null>>> = {
  duration: ({ durationMs }) => durationMs,
  project: ({ projectName }) => projectName,
  model: ({ modelName }) => modelName,
  scenario: ({ scenario }) => scenario,
  method: ({ rank }) => rank,
  learningRate: ({ learningRate }) => learningRate,
  epochs: ({ epochs }) => epochs,
  batchRows: ({ batchRows }) => batchRows,
  device: ({ device }) => device,
  seed: ({ seed }) => seed,
  steps: ({ lastStep }) => lastStep,
  proof: ({ proof }) => proof?.tuned.value ?? null,
  verdict: ({ proof }) => proof?.verdict ?? null,
  tags: ({ tags }) => (tags.length > 0 ? JSON.stringify(tags) : null),
  notes: ({ notes }) => notes || null,
}

test('runs are sorted by every figure and setting, and filtered by their newest verdict', () => {
  let nowMs = 1_750_000_000_000
  const { writer, path, newRun } = openSample({ now: () => (nowMs += 1000) })
  const verdicts = ['better', 'worse', 'no-measurable-difference'] as const
  const other = good(writer.addProject({ name: 'Another', scenario: 'classification' })).id
  for (let n = 0; n < 12; n++) {
    const mixed = (n * 7) % 12
    const { recipe } = newRun
    const { id } = good(
      writer.createRun({
        ...newRun,
        projectId: n % 2 === 0 ? newRun.projectId : other,
        name: `Run ${n}`,
        notes: n % 3 === 0 ? `note ${mixed}` : '',
        tags: n % 4 === 0 ? [`tag ${mixed}`] : [],
        recipe: {
          ...recipe,
          seed: mixed,
          method: { ...recipe.method, rank: mixed + 1 },
          optimizer: { ...recipe.optimizer, learningRate: 1e-4 * (mixed + 1) },
          duration: { ...recipe.duration, epochs: mixed + 1 },
          batch: { ...recipe.batch, microRows: mixed + 1 },
        },
      }),
    )
    if (n % 3 === 2) continue
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, mixed + 1)]))
    nowMs += mixed * 777
    good(writer.finishRun(id, { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
    const evaluation = (subject: 'base' | 'tuned') => ({
      runId: id,
      subject,
      datasetFingerprint: recipe.data.fingerprint,
      metrics: {},
      answers: [],
    })
    // An older proof says something else; it does not count.
    for (const kind of ['better', verdicts[n % 3]])
      good(
        writer.addProof({
          base: evaluation('base'),
          tuned: evaluation('tuned'),
          comparison: { runId: id, body: proofBody((mixed + 1) / 20, kind) },
        }),
      )
  }
  const reader = good(openJournalReader(path))
  for (const [sort, figureOf] of Object.entries(sortedBy) as [
    RunSort,
    (row: ExperimentRow) => string | number,
  ][])
    for (const order of ['ascending', 'descending'] as const) {
      const { rows } = good(reader.experiments({ sort, order }))
      expect(new Set(rows.map(({ id }) => id)).size).toBe(12)
      const values = rows.map(figureOf)
      const filled = values.filter((value) => value !== null)
      const sorted = [...filled].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      if (order === 'descending') sorted.reverse()
      expect([sort, ...values]).toEqual([sort, ...sorted, ...values.filter((value) => value === null)])
    }
  const found = runVerdicts.map((verdict) => good(reader.experiments({ verdict })))
  expect(found.map(({ total }) => total)).toEqual([4, 4, 0, 4])
  for (const [n, { rows }] of found.entries())
    expect(rows.every(({ proof }) => (proof?.verdict ?? 'not-proved') === runVerdicts[n])).toBe(true)
  reader.close()
  good(writer.close())
})

test('runs are filtered by their method', () => {
  const { writer, path, newRun } = openSample()
  for (const kind of ['lora', 'full', 'lora-head', 'full'] as const) {
    const method = { ...newRun.recipe.method, kind }
    good(writer.createRun({ ...newRun, recipe: { ...newRun.recipe, method } }))
  }
  const reader = good(openJournalReader(path))
  const methods = methodKinds.map((method) =>
    good(reader.experiments({ method })).rows.map((row) => row.method),
  )
  expect(methods).toEqual([['lora'], ['full', 'full'], [], ['lora-head'], []])
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

test('a long thin curve has no point that a later attempt computed again', () => {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun(newRun))
  const steps = (from: number, to: number, firstSeq: number, loss: number) =>
    Array.from({ length: to - from + 1 }, (_, at) =>
      stepEvent(firstSeq + at, from + at, loss + (at % 7) / 100),
    )
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, [...steps(1, 3000, 1, 1), evaluationEvent(3001, 2500, 1, true)]))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 2, [...steps(2001, 2600, 3002, 9), evaluationEvent(3602, 2500, 9, true)]))
  const reader = good(openJournalReader(path))
  const { train, validation } = good(reader.thinCurve(id, 200))
  const whole = good(reader.curve(id))
  expect(train.length).toBeGreaterThan(50)
  expect(whole.train).toEqual(expect.arrayContaining([...train]))
  expect([...new Set(train.map(({ attempt }) => attempt))].sort()).toEqual([1, 2])
  expect(validation).toEqual(whole.validation)
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
