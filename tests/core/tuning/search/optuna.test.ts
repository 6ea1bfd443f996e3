// Beside Optuna 5.0.0 on five objectives (tests/golden/tuning/search.json, made by ../shared/goldens/tuning/make.py), 40
// seeds each: TPE after 20, 30 and 60 trials, random within what chance allows. The whole table: bench/search.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SamplerKind } from '../../../../src/shared/study.ts'
import { objectives, playStudy, quantile } from './objectives.ts'

type Quartiles = readonly [number, number, number]
type Curves = Record<string, Record<'tpe' | 'random', Record<string, Quartiles>>>
const golden = join(import.meta.dirname, '../../../golden/tuning/search.json')
const curves: Curves = JSON.parse(readFileSync(golden, 'utf8')).curves
const marks = [20, 30, 60]

const medians = (name: string, sampler: SamplerKind, seeds: number): number[] => {
  const played = Array.from(
    { length: seeds },
    (_, seed) => playStudy(objectives[name]!, sampler, seed, 60).curve,
  )
  return marks.map((trials) =>
    quantile(
      played.map((curve) => curve[trials - 1]!),
      0.5,
    ),
  )
}

const names = Object.keys(objectives)
/** Studies are computed, not timed; a machine at other work takes its time. */
const patience = { timeout: 300_000 }

describe('beside Optuna', () => {
  test('TPE: no median above its upper quartile, and in the mean no worse than its median', patience, () => {
    const places: number[] = []
    for (const name of names) {
      const own = medians(name, 'tpe', 40)
      for (const [index, trials] of marks.entries()) {
        const [low, median, high] = curves[name]!.tpe[trials]!
        expect(own[index], `${name} after ${trials}`).toBeLessThanOrEqual(high)
        // -1 at Optuna's lower quartile, 0 at its median, 1 at the upper one.
        const above = own[index]! - median
        places.push(above / (above < 0 ? median - low : high - median))
      }
    }
    expect(places.reduce((sum, place) => sum + place, 0) / places.length).toBeLessThanOrEqual(0)
  })

  test.each(names)(
    'random on %s: medians no further from its medians than 3.5 standard errors',
    patience,
    (name) => {
      const seeds = 120
      const own = medians(name, 'random', seeds)
      for (const [index, trials] of marks.entries()) {
        const [low, median, high] = curves[name]!.random[trials]!
        // A median of n normal values: 1.253 deviations over the root of n; a deviation is the quartiles' distance / 1.349.
        const error = 1.253 * ((high - low) / 1.349) * Math.sqrt(1 / 40 + 1 / seeds)
        expect(Math.abs(own[index]! - median), `after ${trials}`).toBeLessThanOrEqual(3.5 * error)
      }
    },
  )
})
