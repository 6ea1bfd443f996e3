// The five stand-ins for "validation loss as a function of the recipe" of ../shared/goldens/tuning/make.py, and a study
// of them without a computer at work: suggest, evaluate, remember.

import { type Observation, suggest } from '../../../../src/core/tuning/search/index.ts'
import { counterRandom } from '../../../../src/engine/index.ts'
import type { Dimension, SamplerKind, StudiedSettings } from '../../../../src/shared/study.ts'

export interface Objective {
  readonly space: readonly Dimension[]
  readonly trueLoss: (settings: StudiedSettings) => number
  /** Deviation of what is observed from the true loss. */
  readonly noise: number
}

const number = (path: string, low: number, high: number, isLog = false): Dimension => ({
  kind: 'number',
  path,
  low,
  high,
  isLog,
  onlyWhen: null,
})
const rank: Dimension = { kind: 'whole', path: 'rank', low: 2, high: 64, isLog: true, onlyWhen: null }
const settingOf = (settings: StudiedSettings, path: string): number => Number(settings[path])

/** A tilted valley with a cliff (divergence) on the right. */
function bowl(settings: StudiedSettings, dropout: number): number {
  const u = Math.log10(settingOf(settings, 'lr'))
  const r = Math.log2(settingOf(settings, 'rank'))
  const base = 0.9 + 0.35 * (u + 3.6 + 0.08 * r) ** 2 + 0.02 * (r - 4) ** 2 + 0.6 * (dropout - 0.05) ** 2
  return u < -2.2 ? base : base + 3 * (u + 2.2)
}

function methodTree(settings: StudiedSettings): number {
  const u = Math.log10(settingOf(settings, 'lr'))
  if (settings.method === 'lora')
    return 0.8 + 0.3 * (u + 3.5) ** 2 + 0.05 * (Math.log2(settingOf(settings, 'rank')) - 3) ** 2
  return settings.method === 'full' ? 0.75 + 0.9 * (u + 4.8) ** 2 : 1.1 + 0.2 * (u + 3) ** 2
}

function branin(settings: StudiedSettings): number {
  const [x, y] = [settingOf(settings, 'x'), settingOf(settings, 'y')]
  const valley = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6
  return valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
}

const hartmannA = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const hartmannP = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
]
function hartmann(settings: StudiedSettings): number {
  const heights = [1, 1.2, 3, 3.2]
  let sum = 0
  for (const [peak, height] of heights.entries()) {
    let distance = 0
    for (let i = 0; i < 6; i += 1)
      distance += hartmannA[peak]![i]! * (settingOf(settings, `x${i}`) - hartmannP[peak]![i]! / 1e4) ** 2
    sum -= height * Math.exp(-distance)
  }
  return sum
}

export const objectives: Readonly<Record<string, Objective>> = {
  lr_bowl: {
    space: [number('lr', 1e-5, 1e-1, true), rank, number('dropout', 0, 0.3)],
    trueLoss: (settings) => bowl(settings, settingOf(settings, 'dropout')),
    noise: 0,
  },
  method_tree: {
    space: [
      { kind: 'choice', path: 'method', values: ['lora', 'full', 'head'], onlyWhen: null },
      number('lr', 1e-6, 1e-2, true),
      { ...rank, onlyWhen: { path: 'method', values: ['lora'] } },
    ],
    trueLoss: methodTree,
    noise: 0,
  },
  branin: { space: [number('x', -5, 10), number('y', 0, 15)], trueLoss: branin, noise: 0 },
  hartmann6: {
    space: Array.from({ length: 6 }, (_, i) => number(`x${i}`, 0, 1)),
    trueLoss: hartmann,
    noise: 0,
  },
  noisy_batch: {
    space: [number('lr', 1e-5, 1e-1, true), rank],
    trueLoss: (settings) => bowl(settings, 0.05),
    noise: 0.03,
  },
}

export interface PlayedStudy {
  readonly history: readonly Observation[]
  /** True loss of the best trial observed so far, trial by trial. */
  readonly curve: readonly number[]
}

/** A whole study of an objective, each trial told before the next is asked for. */
export function playStudy(
  objective: Objective,
  sampler: SamplerKind,
  seed: number,
  trials: number,
): PlayedStudy {
  const stream = counterRandom(seed, 'noise of the objective')
  const history: Observation[] = []
  const curve: number[] = []
  let best = Number.POSITIVE_INFINITY
  let incumbent = Number.POSITIVE_INFINITY
  for (let trial = 0; trial < trials; trial += 1) {
    const request = {
      space: objective.space,
      sampler,
      seed,
      number: trial,
      startupTrials: 10,
      history,
      priors: [],
    }
    const settings = suggest(request)
    if (settings === null) break
    const normal =
      Math.sqrt(-2 * Math.log(1 - stream(2 * trial))) * Math.cos(2 * Math.PI * stream(2 * trial + 1))
    const trueLoss = objective.trueLoss(settings)
    const lossNats = trueLoss + objective.noise * normal
    if (lossNats < best) [best, incumbent] = [lossNats, trueLoss]
    history.push({ number: trial, settings, lossNats, status: 'complete', lastShare: 1 })
    curve.push(incumbent)
  }
  return { history, curve }
}

/** As numpy's percentile: between the two nearest by share. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below)
}
