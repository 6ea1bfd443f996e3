// Which settings the loss goes by: fANOVA (Hutter, Hoos and Leyton-Brown 2014) on a forest of regression trees. What chance
// alone gives is measured for each setting: the same with its own values dealt anew, while all others go on explaining.
import type { StudyView } from '#shared/contract/studies.ts'
import type { Dimension, StudyTrial } from '#shared/study.ts'
import { type Axis, axesOf } from './axes.ts'
import {
  bendOf,
  curveOf,
  growForest,
  type Result,
  sharesOf,
  type Table,
  tableOf,
  withShuffled,
} from './loss-forest.ts'
import type { SeedNoise } from './seeds.ts'
import { runSteps, type Steps } from './steps.ts'
import { type Draw, drawsOf } from './streams.ts'

type Reading = StudyView['importance']
type Trial = Pick<StudyTrial, 'settings' | 'status' | 'lossNats' | 'rungLosses'>

export interface ImportanceRequest {
  readonly space: readonly Dimension[]
  readonly observations: readonly Trial[]
  readonly seedNoise: SeedNoise | null
  readonly seed: number
}

const trees = 128
/** Of each forest by chance: fewer trees bend its curve a little further, never less. */
const chanceTrees = 16
/** A setting is no noise where at most one of so many forests bends as far: 1 in 20 (Besag and Clifford 1991). */
const chanceForests = 39
const mostAsFar = 1
const leastTrials = 10
/** Of more results so many are read: time grows faster than what they tell. */
const mostResults = 400
/** Two runs that differ in their seed alone are nearer to each other than so many deviations, 95 times in 100. */
const seedReach = 1.96 * Math.SQRT2

/** Shares and effects of all settings that had more than one value, the greatest share first. */
export const importanceOf = (request: ImportanceRequest): Reading => runSteps(importanceSteps(request))

/** The same in steps of some milliseconds. */
export function* importanceSteps(request: ImportanceRequest): Steps<Reading> {
  const { space, observations, seedNoise, seed } = request
  const axes = axesOf(space).filter(({ isFixed }) => !isFixed)
  const results = atMost(knownLosses(observations), drawsOf(seed, 'results that are read'))
  const reading = { seedNoise, trials: results.length }
  const cannotTell = whyNot(axes, results)
  if (cannotTell !== null) return { ...reading, settings: [], cannotTell }

  const table = tableOf(axes, results)
  const forest = yield* growForest(table, trees, drawsOf(seed, 'forest'))
  const shares = yield* sharesOf(table, forest)
  const seedNats = seedNoise === null ? 0 : seedReach * seedNoise.sdNats
  const settings: Reading['settings'] = []
  for (const [axis, { dimension }] of axes.entries()) {
    const { path } = dimension
    const curve = yield* curveOf(table, forest, axis)
    const effectNats = Math.max(...curve) - Math.min(...curve)
    const draw = drawsOf(seed, `shuffled ${path}`)
    const isNoise = effectNats <= seedNats || (yield* isChance(table, axis, bendOf(curve), draw))
    settings.push({ path, share: shares[axis]!, effectNats, isNoise })
  }
  return { ...reading, settings: settings.sort((a, b) => b.share - a.share), cannotTell: null }
}

/** Whether forests to which this setting says nothing bend its curve as far. By its two ends a single odd loss would decide. */
function* isChance(table: Table, axis: number, bend: number, draw: Draw): Steps<boolean> {
  let asFar = 0
  for (let tried = 0; tried < chanceForests && asFar <= mostAsFar; tried += 1) {
    const dealt = withShuffled(table, axis, draw)
    const grown = yield* growForest(dealt, chanceTrees, draw)
    if (bendOf(yield* curveOf(dealt, grown, axis)) >= bend) asFar += 1
  }
  return asFar > mostAsFar
}

function whyNot(axes: readonly Axis[], results: readonly Result[]): string | null {
  if (axes.length === 0) return 'Every setting has a single value: there is nothing to compare.'
  const needed = Math.max(leastTrials, 2 * axes.length)
  if (results.length < needed)
    return `${trialsHave(results.length)}, and it takes at least ${needed} to tell which setting matters.`
  const [first] = results
  if (results.every(({ lossNats }) => lossNats === first?.lossNats))
    return 'All trials have the same loss: no setting made a difference.'
  return null
}

const trialsHave = (count: number): string =>
  count === 0
    ? 'No trial has a result'
    : count === 1
      ? 'One trial has a result'
      : `${count} trials have a result`

/**
 * Losses at the end. A trial that was given up has none: its loss at its last rung, less what trials that went on from there
 * came down in the median, stands for it; it is left out where fewer than three went on.
 */
function knownLosses(observations: readonly Trial[]): Result[] {
  const complete = observations.filter(({ status }) => status === 'complete')
  return observations.flatMap((trial) => {
    const lossNats = trial.status === 'pruned' ? lossIfFinished(trial, complete) : trial.lossNats
    const isKnown = trial.status === 'complete' || trial.status === 'pruned'
    return isKnown && lossNats !== null && Number.isFinite(lossNats)
      ? [{ settings: trial.settings, lossNats }]
      : []
  })
}

/** The same ones while others are added, but for those that come in. */
function atMost(results: readonly Result[], draw: Draw): readonly Result[] {
  if (results.length <= mostResults) return results
  const drawn = results.map(draw)
  const limit = drawn.toSorted((a, b) => a - b)[mostResults]!
  return results.filter((_, at) => drawn[at]! < limit)
}

function lossIfFinished({ rungLosses }: Trial, complete: readonly Trial[]): number | null {
  const last = rungLosses.at(-1)
  if (last === undefined) return null
  const falls = complete
    .flatMap((trial) => {
      const there = trial.rungLosses.find(({ share }) => Math.abs(share - last.share) < 1e-9)
      return there === undefined || trial.lossNats === null ? [] : [there.lossNats - trial.lossNats]
    })
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  if (falls.length < 3) return null
  return last.lossNats - falls[falls.length >> 1]!
}
