// The next trial: inside its space, conditions kept, never twice, the same for the same question; hostile spaces.
import { describe, expect, test } from 'vitest'
import { type Observation, suggest } from '../../../../src/core/tuning/search/index.ts'
import { sobolAt, sobolBits } from '../../../../src/core/tuning/search/sobol.ts'
import type { Dimension, SamplerKind, StudiedSettings } from '../../../../src/shared/study.ts'
import { objectives, playStudy } from './objectives.ts'

const whole = (path: string, low: number, high: number, isLog = false): Dimension => ({
  kind: 'whole',
  path,
  low,
  high,
  isLog,
  onlyWhen: null,
})
const number = (path: string, low: number, high: number, isLog = false): Dimension => ({
  kind: 'number',
  path,
  low,
  high,
  isLog,
  onlyWhen: null,
})
const choice = (path: string, ...values: (string | null)[]): Dimension => ({
  kind: 'choice',
  path,
  values,
  onlyWhen: null,
})
const only = (dimension: Dimension, path: string, ...values: (string | number)[]): Dimension => ({
  ...dimension,
  onlyWhen: { path, values },
})

/** Conditions of two levels, every kind of dimension, one that cannot change. */
const nested: Dimension[] = [
  choice('method', 'lora', 'full', 'head'),
  number('lr', 1e-6, 1e-2, true),
  only(whole('rank', 2, 64, true), 'method', 'lora'),
  only(choice('scaling', 'standard', 'stable'), 'method', 'lora', 'full'),
  only(number('decay', 0, 0.3), 'scaling', 'stable'),
  whole('seed', 7, 7),
]
const samplers: SamplerKind[] = ['grid', 'random', 'quasi-random', 'tpe']

interface Played {
  readonly space: readonly Dimension[]
  readonly sampler: SamplerKind
  readonly trials: number
  readonly lossOf?: (settings: StudiedSettings, number: number) => Partial<Observation>
  readonly seed?: number
}

function play({ space, sampler, trials, lossOf = () => ({}), seed = 1 }: Played): Observation[] {
  const history: Observation[] = []
  for (let number = 0; number < trials; number += 1) {
    const settings = suggest({ space, sampler, seed, number, startupTrials: 6, history, priors: [], trials })
    if (settings === null) break
    const plain = { number, settings, lossNats: (number * 7) % 11, status: 'complete', lastShare: 1 } as const
    history.push({ ...plain, ...lossOf(settings, number) })
  }
  return history
}

/** Everything that is wrong with a point. */
function faultsOf(space: readonly Dimension[], settings: StudiedSettings): string[] {
  const expected = new Set<string>()
  const faults: string[] = []
  for (const dimension of space) {
    const { path, onlyWhen } = dimension
    if (
      onlyWhen &&
      !(expected.has(onlyWhen.path) && onlyWhen.values.includes(settings[onlyWhen.path] ?? null))
    )
      continue
    expected.add(path)
    const value = settings[path]
    if (dimension.kind === 'choice') {
      if (value === undefined || !dimension.values.includes(value)) faults.push(`${path} is ${value}`)
    } else if (typeof value !== 'number' || !(value >= dimension.low && value <= dimension.high))
      faults.push(`${path} is ${value}`)
    else if (dimension.kind === 'whole' && !Number.isInteger(value)) faults.push(`${path} is ${value}`)
  }
  for (const path of Object.keys(settings)) if (!expected.has(path)) faults.push(`${path} does not count`)
  return faults
}

const keyOf = ({ settings }: Observation): string => JSON.stringify(Object.entries(settings).sort())

describe.each(samplers)('%s', (sampler) => {
  test('stays in its space, keeps conditions, gives no point twice', () => {
    for (const seed of [1, 2, 3]) {
      const history = play({ space: nested, sampler, trials: 40, seed })
      expect(history.length).toBeGreaterThan(20)
      expect(history.flatMap(({ settings }) => faultsOf(nested, settings))).toEqual([])
      expect(new Set(history.map(keyOf)).size).toBe(history.length)
    }
  })

  test('the same question has the same answer, whatever order the trials come in', () => {
    const history = play({ space: nested, sampler, trials: 25 })
    const ask = (seed: number, trials: readonly Observation[]) =>
      suggest({ space: nested, sampler, seed, number: 25, startupTrials: 6, history: trials, priors: [] })
    expect(ask(1, history)).toEqual(ask(1, [...history].reverse()))
    const later = [2, 3, 4].map((seed) => JSON.stringify(ask(seed, history)))
    expect(later.some((other) => other !== JSON.stringify(ask(1, history)))).toBe(true)
  })

  test('a space of few points is gone through once, then there is nothing more', () => {
    const space = [choice('a', 'x', 'y'), whole('n', 1, 4, true), only(choice('b', 'u', 'v', null), 'a', 'y')]
    const history = play({ space, sampler, trials: 60 })
    expect(new Set(history.map(keyOf)).size).toBe(4 + 4 * 3)
    expect(history.length).toBe(4 + 4 * 3)
  })

  test.each([
    ['one value each', [choice('a', 'x'), whole('n', 3, 3), number('r', 0.5, 0.5), number('l', 2, 2, true)]],
    [
      'widths of nearly nothing',
      [number('r', 0.1, 0.1 + 1e-16), number('l', 1, 1 + 1e-15, true), whole('n', 1, 2)],
    ],
    [
      'a wide range',
      [number('l', 1e-300, 1e300, true), number('r', -1e9, 1e9), whole('n', 1, 2 ** 40, true)],
    ],
    ['forty dimensions', Array.from({ length: 40 }, (_, i) => number(`x${i}`, 0, 1))],
    ['forty choices', Array.from({ length: 40 }, (_, i) => choice(`c${i}`, 'a', 'b', 'c'))],
    ['a condition on what is not searched', [only(whole('n', 1, 9), 'other', 'x')]],
  ] as [string, Dimension[]][])('%s', (_, space) => {
    const known = new Set(space.map(({ path }) => path))
    const open = space.map((one) =>
      one.onlyWhen && !known.has(one.onlyWhen.path) ? { ...one, onlyWhen: null } : one,
    )
    const history = play({ space, sampler, trials: 16 })
    expect(history.length).toBeGreaterThan(0)
    expect(history.flatMap(({ settings }) => faultsOf(open, settings))).toEqual([])
    expect(new Set(history.map(keyOf)).size).toBe(history.length)
  })

  test('losses that are none, trials that failed, were given up or are under way', () => {
    const states: Partial<Observation>[] = [
      { lossNats: Number.NaN },
      { lossNats: Number.POSITIVE_INFINITY },
      { lossNats: null, status: 'failed' },
      { lossNats: null, status: 'skipped', lastShare: 0 },
      { lossNats: 2, status: 'pruned', lastShare: 1 / 9 },
      { lossNats: null, status: 'planned', lastShare: 0 },
    ]
    const lossOf = (_: StudiedSettings, at: number) => states[at % states.length]!
    const history = play({ space: nested, sampler, trials: 36, lossOf })
    expect(history.flatMap(({ settings }) => faultsOf(nested, settings))).toEqual([])
  })
})

describe('the grid', () => {
  test('is as fine as the trials allow and has both ends', () => {
    const space = [number('lr', 1e-5, 1e-1, true), number('decay', 0, 0.3)]
    const values = (path: string, trials: number) => [
      ...new Set(play({ space, sampler: 'grid', trials }).map(({ settings }) => Number(settings[path]))),
    ]
    expect(values('lr', 25).sort((a, b) => a - b)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    expect(values('decay', 9).sort((a, b) => a - b)).toEqual([0, 0.15, 0.3])
    expect(play({ space, sampler: 'grid', trials: 25 }).length).toBe(25)
  })
})

describe('the even points', () => {
  // scipy.stats.qmc.Sobol(40, scramble=False): its point 13 is number 11 of the plain order (Gray code).
  const scipy = [
    0.8125, 0.6875, 0.8125, 0.0625, 0.4375, 0.9375, 0.5625, 0.5625, 0.5625, 0.4375, 0.8125, 0.9375, 0.0625,
    0.8125, 0.1875, 0.5625, 0.1875, 0.6875, 0.5625, 0.9375, 0.5625, 0.0625, 0.8125, 0.5625, 0.0625, 0.4375,
    0.4375, 0.0625, 0.0625, 0.3125, 0.5625, 0.4375, 0.4375, 0.5625, 0.6875, 0.3125, 0.0625, 0.6875, 0.6875,
    0.9375,
  ]
  test('are those of scipy before they are scrambled', () => {
    expect(scipy.map((_, dimension) => sobolBits(11, dimension) / 2 ** 32)).toEqual(scipy)
  })

  test('64 of them have one in each 64th of every axis, scrambled, whatever the seed', () => {
    for (const seed of [0, 5])
      for (let dimension = 0; dimension < 40; dimension += 1) {
        const cells = Array.from({ length: 64 }, (_, index) =>
          Math.floor(64 * sobolAt(seed, index, dimension)),
        )
        expect(new Set(cells).size).toBe(64)
      }
    expect(sobolAt(0, 3, 2)).not.toBe(sobolAt(5, 3, 2))
  })
})

describe('what a person reads', () => {
  test('learning rates have three digits, shares as many as help', () => {
    const space = [number('lr', 1e-5, 1e-1, true), number('share', 0, 0.2), number('tight', 1, 1.001, true)]
    const history = play({ space, sampler: 'random', trials: 30 })
    for (const { settings } of history) {
      expect(Number(Number(settings.lr).toPrecision(3))).toBe(settings.lr)
      expect(Number(Number(settings.share).toFixed(4))).toBe(settings.share)
    }
    expect(new Set(history.map(({ settings }) => settings.tight)).size).toBeGreaterThan(20)
  })
})

describe('TPE learns from', () => {
  const space = [number('x', 0, 1)]
  const observed = (number: number, x: number, rest: Partial<Observation>): Observation => ({
    number,
    settings: { x },
    lossNats: 1,
    status: 'complete',
    lastShare: 1,
    ...rest,
  })
  const evenly = Array.from({ length: 20 }, (_, i) => observed(i, (i + 0.5) / 20, { lossNats: 1 + i / 100 }))
  /** Where forty trials asked at once would go, in the mean. */
  const meanOf = (
    history: readonly Observation[],
    priors: { settings: StudiedSettings; lossNats: number }[] = [],
  ) => {
    const asked = Array.from({ length: 40 }, (_, i) =>
      Number(
        suggest({ space, sampler: 'tpe', seed: 3, number: 100 + i, startupTrials: 10, history, priors })?.x,
      ),
    )
    return asked.reduce((sum, x) => sum + x, 0) / asked.length
  }

  test('losses: it goes where they were low', () => {
    expect(meanOf(evenly)).toBeLessThan(0.3)
    expect(meanOf(evenly.map((one) => ({ ...one, lossNats: -one.lossNats! })))).toBeGreaterThan(0.7)
  })

  test('earlier runs, from the first trial on', () => {
    const priors = evenly.map(({ settings, lossNats }) => ({ settings, lossNats: lossNats! }))
    expect(meanOf([], priors)).toBeLessThan(0.3)
    expect(meanOf([], [])).toBeGreaterThan(0.35)
    const outside = priors.map(({ lossNats }) => ({ settings: { x: 4 }, lossNats }))
    expect(meanOf([], outside)).toBe(meanOf([], []))
  })

  test('trials under way: another one goes elsewhere (constant liar)', () => {
    const underway = Array.from({ length: 12 }, (_, i) =>
      observed(20 + i, 0.02 + i / 100, { lossNats: null, status: 'planned' }),
    )
    expect(meanOf([...evenly, ...underway])).toBeGreaterThan(meanOf(evenly) + 0.03)
  })

  test('trials that failed: it keeps away from them', () => {
    const failed = Array.from({ length: 12 }, (_, i) =>
      observed(20 + i, 0.02 + i / 100, { lossNats: null, status: 'failed' }),
    )
    expect(meanOf([...evenly, ...failed])).toBeGreaterThan(meanOf(evenly) + 0.03)
  })

  test('trials that were given up: behind complete ones, the farther they came the better', () => {
    const pruned = evenly.map((one, i) => ({
      ...one,
      status: 'pruned' as const,
      lastShare: i < 10 ? 1 / 9 : 1 / 3,
    }))
    // Lower losses on the left, but given up earlier.
    expect(meanOf(pruned)).toBeGreaterThan(0.5)
    const mixed = pruned.map((one, i) =>
      i > 16 ? { ...one, status: 'complete' as const, lossNats: 9 } : one,
    )
    expect(meanOf(mixed)).toBeGreaterThan(0.75)
  })

  test('what belongs together: the rate of one method is not taken for another', () => {
    const { history } = playStudy(objectives.method_tree!, 'tpe', 4, 60)
    const rates = (method: string) =>
      history
        .slice(30)
        .filter(({ settings }) => settings.method === method)
        .map(({ settings }) => Math.log10(Number(settings.lr)))
    const best = history.slice(30).filter(({ settings }) => settings.method === 'full').length
    expect(best).toBeGreaterThan(15)
    const full = rates('full')
    expect(full.reduce((sum, u) => sum + u, 0) / full.length).toBeCloseTo(-4.8, 0)
  })
})
