// Our search beside Optuna's recorded one on five objectives: median and quartiles of the best value after so many trials.
// Usage: npx node bench/search.ts [--seeds 40] [--first 0]     (counts trials, measures no time)
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { objectives, playStudy, quantile } from '../tests/core/tuning/search/objectives.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '40' }, first: { type: 'string', default: '0' } },
})
const [seeds, first] = [Number(values.seeds), Number(values.first)]
const golden = join(import.meta.dirname, '../tests/golden/tuning/search.json')
const { curves, optuna } = JSON.parse(readFileSync(golden, 'utf8'))
const marks = [10, 20, 30, 60]
const show = (numbers: readonly number[]): string => numbers.map((value) => value.toFixed(4)).join(' ')

console.log(
  `lower quartile, median, upper quartile; ${seeds} seeds from ${first}; Optuna ${optuna}, 40 seeds`,
)
console.log('| objective | sampler | trials | Tunewright | Optuna | median |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const [name, objective] of Object.entries(objectives))
  for (const sampler of ['random', 'quasi-random', 'tpe'] as const) {
    const played = Array.from(
      { length: seeds },
      (_, at) => playStudy(objective, sampler, first + at, Math.max(...marks)).curve,
    )
    const theirs = curves[name][sampler === 'quasi-random' ? 'random' : sampler]
    for (const trials of marks) {
      const reached = played.map((curve) => curve[trials - 1] ?? Number.POSITIVE_INFINITY)
      const own = [0.25, 0.5, 0.75].map((share) => quantile(reached, share))
      const [, median, high] = theirs[trials]
      const word = own[1]! <= median ? 'as low' : own[1]! <= high ? 'within' : 'above'
      console.log(`| ${name} | ${sampler} | ${trials} | ${show(own)} | ${show(theirs[trials])} | ${word} |`)
    }
  }
