// How many points a space has: exactly as many as each sampler finds before it finds nothing more.
import { expect, test } from 'vitest'
import { countPoints, onlyPoint, suggest } from '#core/tuning/search/index.ts'
import type { Observation } from '#core/tuning/search/observation.ts'
import { type Dimension, dimension, type SamplerKind } from '#shared/study.ts'

const whole = (path: string, low: number, high: number, more = {}): Dimension =>
  dimension.parse({ kind: 'whole', path, low, high, ...more })
const choice = (path: string, values: unknown[], more = {}): Dimension =>
  dimension.parse({ kind: 'choice', path, values, ...more })
const number = (path: string, low: number, high: number, more = {}): Dimension =>
  dimension.parse({ kind: 'number', path, low, high, ...more })

function triedBy(space: readonly Dimension[], sampler: SamplerKind, trials: number | null): number {
  const history: Observation[] = []
  for (;;) {
    const question = { space, sampler, seed: 42, startupTrials: 4, history, priors: [], trials }
    const settings = suggest({ ...question, number: history.length })
    if (settings === null) return history.length
    history.push({ number: history.length, settings, lossNats: 1, status: 'complete', lastShare: 1 })
  }
}

const when = (path: string, values: unknown[]) => ({ onlyWhen: { path, values } })
const spaces = {
  ranks: [choice('method.rank', [2, 4])],
  twice: [choice('method.rank', [2, 4, 2])],
  wholes: [whole('method.rank', 2, 6), choice('schedule.kind', ['cosine', 'linear'])],
  conditional: [
    choice('method.kind', ['full', 'lora']),
    whole('method.rank', 2, 5, when('method.kind', ['lora'])),
    choice('schedule.kind', ['cosine', 'linear']),
  ],
  condition_on_the_base: [whole('method.rank', 2, 5, when('method.kind', ['lora']))],
  fixed: [number('optimizer.learningRate', 0.01, 0.01), whole('method.rank', 2, 4, { isLog: true })],
}
const points = { ranks: 2, twice: 2, wholes: 10, conditional: 10, condition_on_the_base: 4, fixed: 3 }
const samplers = ['grid', 'random', 'quasi-random', 'tpe'] as const

test.each(
  Object.entries(spaces).flatMap(([name, space]) =>
    samplers.map((sampler) => [name, sampler, space] as const),
  ),
)('%s by %s', (name, sampler, space) => {
  const count = countPoints({ space, sampler, trials: 50 })
  expect(count).toBe(points[name as keyof typeof points])
  expect(triedBy(space, sampler, 50)).toBe(count)
})

test.each([1, 2, 5, 7, 30, 60, null])('a grid over ranges has its levels for %s trials', (trials) => {
  const space = [
    number('optimizer.learningRate', 1e-5, 1e-3, { isLog: true }),
    whole('method.rank', 2, 32, { isLog: true }),
  ]
  const count = countPoints({ space, sampler: 'grid', trials })
  expect(count).not.toBeNull()
  // A study whose budget is cut to that many finds as many.
  expect(triedBy(space, 'grid', count)).toBe(count)
})

test('a continuous range, or one of very many numbers, has no end', () => {
  const rate = number('optimizer.learningRate', 1e-5, 1e-3, { isLog: true })
  for (const space of [[rate], [rate, whole('method.rank', 2, 4)], [whole('duration.maxSteps', 1, 1e12)], []])
    expect(countPoints({ space, sampler: 'tpe', trials: 50 })).toBeNull()
})

test('only a space without any choice has an only point', () => {
  expect(onlyPoint([whole('method.rank', 4, 4), choice('schedule.kind', ['cosine'])])).toEqual({
    'method.rank': 4,
    'schedule.kind': 'cosine',
  })
  expect(onlyPoint(spaces.ranks)).toBeNull()
  expect(onlyPoint([number('optimizer.learningRate', 0.001, 0.01)])).toBeNull()
})
