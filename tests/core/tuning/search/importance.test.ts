// Which settings matter, beside Optuna's fANOVA on the trials it was given; noise is called noise.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importanceOf } from '../../../../src/core/tuning/search/index.ts'
import { counterRandom } from '../../../../src/engine/index.ts'
import type { Dimension, StudiedSettings, StudyTrial } from '../../../../src/shared/study.ts'
import { objectives } from './objectives.ts'

interface Recorded {
  readonly trials: readonly (Record<string, number> & { readonly value: number })[]
  readonly fanova_mean_of_5: Readonly<Record<string, number>>
}
type Trial = Pick<StudyTrial, 'settings' | 'status' | 'lossNats' | 'rungLosses'>
const golden = join(import.meta.dirname, '../../../golden/tuning/importance.json')
const recorded: Record<string, Recorded> = JSON.parse(readFileSync(golden, 'utf8'))

const complete = (settings: StudiedSettings, lossNats: number): Trial => ({
  settings,
  lossNats,
  status: 'complete',
  rungLosses: [],
})
const axis = (path: string): Dimension => ({
  kind: 'number',
  path,
  low: 0,
  high: 1,
  isLog: false,
  onlyWhen: null,
})
const ask = (space: readonly Dimension[], observations: readonly Trial[], sdNats: number | null = null) =>
  importanceOf({
    space,
    observations,
    seedNoise: sdNats === null ? null : { sdNats, runs: 6 },
    seed: 1,
  })
const draws = counterRandom(5, 'test of importance')
const points = (count: number, lossOf: (x: number, y: number, noise: number) => number): Trial[] =>
  Array.from({ length: count }, (_, i) => {
    const [x, y] = [draws(3 * i), draws(3 * i + 1)]
    return complete({ x, y }, lossOf(x, y, draws(3 * i + 2)))
  })
const both = [axis('x'), axis('y')]

describe('importance', () => {
  test.each(Object.entries(recorded))(
    '%s: as Optuna ranks it, each within 0.1',
    (name, { trials, ...reference }) => {
      const observations = trials.map(({ value, ...settings }) => complete(settings, value))
      const { settings, cannotTell } = ask(objectives[name]!.space, observations)
      expect(cannotTell).toBeNull()
      const expected = reference.fanova_mean_of_5
      for (const { path, share } of settings) expect(Math.abs(share - expected[path]!)).toBeLessThan(0.1)
      // Of lr_bowl's two other settings both have less than a thousandth: which is first is chance.
      const ranked = settings.filter(({ path }) => expected[path]! > 0.005).map(({ path }) => path)
      const theirs = Object.keys(expected).filter((path) => expected[path]! > 0.005)
      expect(ranked).toEqual(theirs.sort((a, b) => expected[b]! - expected[a]!))
    },
  )

  test.each([
    ['lr_bowl', { lr: false, rank: false, dropout: true }],
    ['branin', { x: false, y: false }],
    ['hartmann6', { x0: false, x3: false, x4: false, x2: true, x5: true }],
  ])('%s: what is noise, in two forests', (name, expected) => {
    const observations = recorded[name]!.trials.map(({ value, ...settings }) => complete(settings, value))
    for (const seed of [1, 2]) {
      const { space } = objectives[name]!
      const { settings } = importanceOf({ space, observations, seedNoise: null, seed })
      expect(Object.fromEntries(settings.map(({ path, isNoise }) => [path, isNoise]))).toMatchObject(expected)
    }
  })

  test('a weak setting beside a strong one is seen', () => {
    for (let study = 0; study < 4; study += 1) {
      const random = counterRandom(study, 'weak')
      const trials = Array.from({ length: 40 }, (_, i) => {
        const [x, y, noise] = [random(3 * i), random(3 * i + 1), random(3 * i + 2)]
        return complete({ x, y }, 3 * x + 0.8 * y + 0.1 * noise)
      })
      expect(ask(both, trials).settings.map(({ isNoise }) => isNoise)).toEqual([false, false])
    }
  })

  test('of very many trials some hundreds are read', () => {
    const reading = ask(
      both,
      points(600, (x, _, noise) => x + 0.1 * noise),
    )
    expect(reading.trials).toBe(400)
    expect(reading.settings.map(({ path, isNoise }) => [path, isNoise])).toEqual([
      ['x', false],
      ['y', true],
    ])
  })

  test('what the loss goes by is no noise, what it does not go by is', () => {
    const { settings } = ask(
      both,
      points(40, (x, _, noise) => x + 0.1 * noise),
    )
    expect(settings.map(({ path, isNoise }) => [path, isNoise])).toEqual([
      ['x', false],
      ['y', true],
    ])
    expect(settings[0]!.effectNats).toBeGreaterThan(0.6)
    expect(settings[0]!.effectNats).toBeLessThan(1.1)
  })

  test('losses by chance alone: nothing is called important more often than one time in ten', () => {
    let called = 0
    for (let study = 0; study < 20; study += 1) {
      const random = counterRandom(study, 'chance')
      const trials = Array.from({ length: 20 }, (_, i) =>
        complete({ x: random(3 * i), y: random(3 * i + 1) }, random(3 * i + 2)),
      )
      called += ask(both, trials).settings.filter(({ isNoise }) => !isNoise).length
    }
    expect(called).toBeLessThanOrEqual(4)
  })

  test('an effect that another seed alone would have is noise, however clear', () => {
    const trials = points(40, (x) => x)
    expect(ask(both, trials, 0.1).settings[0]!.isNoise).toBe(false)
    expect(ask(both, trials, 0.5).settings[0]!.isNoise).toBe(true)
  })

  test('a setting that counts only beside another is judged where it counts', () => {
    const space: Dimension[] = [
      { kind: 'choice', path: 'method', values: ['a', 'b', 'c'], onlyWhen: null },
      { ...axis('x'), onlyWhen: { path: 'method', values: ['b'] } },
      axis('y'),
    ]
    const trials = Array.from({ length: 90 }, (_, i) => {
      const method = ['a', 'b', 'c'][i % 3]!
      const [x, y] = [draws(2 * i), draws(2 * i + 1)]
      return method === 'b'
        ? complete({ method, x, y }, x)
        : complete({ method, y }, method === 'a' ? 0.2 : 0.8)
    })
    const byPath = new Map(ask(space, trials).settings.map((one) => [one.path, one]))
    expect(byPath.get('x')!.isNoise).toBe(false)
    // Over all of the space it would be a third of that.
    expect(byPath.get('x')!.effectNats).toBeGreaterThan(0.7)
    expect(byPath.get('method')!.effectNats).toBeGreaterThan(0.45)
    expect(byPath.get('method')!.effectNats).toBeLessThan(0.75)
    expect(byPath.get('y')!.isNoise).toBe(true)
  })

  test('trials that were given up count with what they would have come to', () => {
    const rung = (lossNats: number) => [{ share: 1 / 9, lossNats }]
    const trials = points(40, (x) => x).map((one, i): Trial => {
      const early = one.lossNats! + 5
      const isPruned = i >= 10
      return { ...one, rungLosses: rung(early), ...(isPruned && { status: 'pruned', lossNats: early }) }
    })
    const reading = ask(both, trials)
    expect(reading.trials).toBe(40)
    expect(reading.settings[0]!.path).toBe('x')
    // Five nats more, as they stood when they were given up, would be taken for an effect.
    expect(reading.settings[0]!.effectNats).toBeLessThan(1.1)
    const few = trials.map((one, i): Trial => (i < 8 ? { ...one, status: 'pruned' } : one)).slice(0, 12)
    expect(ask(both, few).cannotTell).toContain('2 trials have a result, and it takes at least 10')
  })

  const still: Dimension = { kind: 'number', path: 'x', low: 0, high: 0, isLog: false, onlyWhen: null }
  test.each<[string, Dimension[], Trial[], string]>([
    [
      'too few trials',
      both,
      points(9, (x) => x),
      '9 trials have a result, and it takes at least 10 to tell which setting matters.',
    ],
    ['nothing to compare', [still], points(20, (x) => x), 'single value'],
    ['all the same', both, points(20, () => 1), 'same loss'],
    [
      'losses that are none',
      both,
      points(20, () => Number.NaN),
      'No trial has a result, and it takes at least 10',
    ],
  ])('%s: it says that it cannot tell', (_, space, trials, words) => {
    const reading = ask(space, trials)
    expect(reading.cannotTell).toContain(words)
    expect(reading.settings).toEqual([])
  })
})
