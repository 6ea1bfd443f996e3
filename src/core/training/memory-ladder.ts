// What is changed where a plan does not fit the memory that is free, gentlest first: fewer rows computed at a time, then
// blocks computed twice, then an optimizer of 8 bits, then a base of 4 bits. Batches and the order of rows stay, so it is
// the same training. Shorter rows are only offered: they leave rows out. Pure.
import type { Recipe } from '#shared/recipe.ts'
import { formatBytes } from '#shared/units.ts'
import type { MemoryPlan, MemoryRecipe } from './memory-plan.ts'
import { trainsWeights } from './method-of.ts'
import { computedRows } from './run-graphs.ts'

/** Of a plan this share of the free memory may be used: it is right within some percent, and others need memory too. */
const usableShare = 0.9
export interface LadderRequest<R extends MemoryRecipe> {
  readonly recipe: R
  readonly freeBytes: number
  readonly plan: (recipe: R) => MemoryPlan
}

export interface LadderResult<R extends MemoryRecipe> {
  readonly recipe: R
  readonly plan: MemoryPlan
  readonly fits: boolean
  /** What was changed, one sentence each, after one that says why; empty where nothing was. */
  readonly sentences: readonly string[]
}

interface Rung {
  /** Null where there is nothing to change. */
  readonly change: <R extends MemoryRecipe>(recipe: R) => R | null
  readonly sentence: string
}

type Base = Recipe['method']['base']

const rungs: readonly Rung[] = [
  {
    change: (recipe) => (recipe.gradientCheckpointing ? null : { ...recipe, gradientCheckpointing: true }),
    sentence:
      'Each block is computed a second time instead of being kept (gradient checkpointing): about a third more time, the same result.',
  },
  {
    change: (recipe) =>
      recipe.optimizer.kind === 'adamw'
        ? { ...recipe, optimizer: { ...recipe.optimizer, kind: 'adamw-8bit' } }
        : null,
    sentence: 'The optimizer keeps what it remembers in 8 bits (8-bit AdamW): nearly the same result.',
  },
  {
    change: onBase('int4', ['float', 'int8']),
    sentence:
      "The model's own weights, which stay as they are, are kept in 4 bits (int4, QLoRA): a little less exact, somewhat slower.",
  },
  {
    change: onBase('nf4', ['float', 'int8', 'int4']),
    sentence:
      "The model's own weights take the least room, 4 bits with fewer scales (NF4): less exact again.",
  },
]

/** Weights that are trained themselves are kept whole. int4 before nf4, which is smaller and less exact: docs/figures.md. */
function onBase(small: Base, larger: readonly Base[]): Rung['change'] {
  return (recipe) =>
    !trainsWeights(recipe.method) && larger.includes(recipe.method.base)
      ? { ...recipe, method: { ...recipe.method, base: small } }
      : null
}

export const fitsInto = ({ total }: Pick<MemoryPlan, 'total'>, freeBytes: number): boolean =>
  total <= usableShare * freeBytes

/** The gentlest changes with which the plan fits; all of them, and `fits` false, where it fits with none. */
export function fitIntoMemory<R extends MemoryRecipe>(request: LadderRequest<R>): LadderResult<R> {
  const { recipe, freeBytes, plan } = request
  const wanted = plan(recipe)
  if (fitsInto(wanted, freeBytes)) return { recipe, plan: wanted, fits: true, sentences: [] }
  const why = `This plan would take about ${formatBytes(wanted.total)} of memory, and ${formatBytes(freeBytes)} are free. So that it fits:`
  let changed = recipe
  const sentences = [why]
  for (const rung of [null, ...rungs]) {
    const next = rung === null ? changed : rung.change(changed)
    if (next === null) continue
    // Weights of few bits take more where the vocabulary, made float at its use, is most of the model.
    if (rung !== null && plan(withRows(next, 1)).total >= plan(withRows(changed, 1)).total) continue
    changed = next
    if (rung !== null) sentences.push(rung.sentence)
    const fitting = withMostRows(changed, request)
    if (fitting === null) continue
    return { ...fitting, fits: true, sentences: [...sentences, ...rowsSentences(recipe, fitting.recipe)] }
  }
  const least = withRows(changed, 1)
  return {
    recipe: least,
    plan: plan(least),
    fits: false,
    sentences: [...sentences, ...rowsSentences(recipe, least)],
  }
}

const withRows = <R extends MemoryRecipe>(recipe: R, rowsAtOnce: number): R => ({
  ...recipe,
  batch: { ...recipe.batch, rowsAtOnce },
})

/** With the most rows at once, halved so often as it takes; null where not even one fits. */
function withMostRows<R extends MemoryRecipe>(
  recipe: R,
  { freeBytes, plan }: LadderRequest<R>,
): { recipe: R; plan: MemoryPlan } | null {
  const one = withRows(recipe, 1)
  const least = plan(one)
  if (!fitsInto(least, freeBytes)) return null
  for (let rows = computedRows(recipe.batch); rows > 1; rows = Math.floor(rows / 2)) {
    const fewer = rows === computedRows(recipe.batch) ? recipe : withRows(recipe, rows)
    const planned = plan(fewer)
    if (fitsInto(planned, freeBytes)) return { recipe: fewer, plan: planned }
  }
  return { recipe: one, plan: least }
}

function rowsSentences(wanted: MemoryRecipe, { batch }: MemoryRecipe): string[] {
  const [before, after] = [computedRows(wanted.batch), computedRows(batch)]
  if (before === after) return []
  const rows = after === 1 ? 'One row is' : `${after} rows are`
  return [
    `${rows} computed at a time instead of ${before}, and added up (rows at once): the same steps with the same rows, somewhat slower.`,
  ]
}
