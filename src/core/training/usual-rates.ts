// The learning rate where nobody says one: it goes by what is trained, and by the optimizer. An adapter begins at nothing and
// bears 0.0002; the weights of a whole model hold all that it knows, and steps of that size wash it out (papers: 0.00001 to
// 0.00005); one new layer on states that never change is a convex problem and learns fast at 0.01 (measured:
// docs/figures.md). A new layer beside an adapter shares its rate, a little more than the adapter's own; beside a whole
// model it shares that one's.
import { isRecord } from '#shared/json-record.ts'
import type { Recipe } from '#shared/recipe.ts'

type MethodKind = Recipe['method']['kind']
type OptimizerKind = Recipe['optimizer']['kind']

/** With AdamW. */
export const usualRates: Readonly<Record<MethodKind, number>> = {
  lora: 2e-4,
  full: 2e-5,
  head: 1e-2,
  'lora-head': 5e-4,
  'full-head': 2e-5,
}

/**
 * Times AdamW's rate. Lion moves every weight by the whole rate: three to ten times lower (Chen et al. 2023, section 5). SGD
 * moves by the gradients as they are, without a step size for each weight (docs/training.md).
 */
export const rateFactors: Readonly<Record<OptimizerKind, number>> = {
  adamw: 1,
  'adamw-8bit': 1,
  adafactor: 1,
  lion: 0.2,
  sgd: 50,
}

/** A rate of AdamW's as the optimizer wants it, without what reckoning in twos leaves at the end. */
export const rateFor = (optimizer: OptimizerKind, adamwRate: number): number =>
  Number((rateFactors[optimizer] * adamwRate).toPrecision(6))

export const usualRate = (method: MethodKind, optimizer: OptimizerKind): number =>
  rateFor(optimizer, usualRates[method])

export const isOptimizer = (kind: unknown): kind is OptimizerKind => isKeyOf(rateFactors, kind)

const isKeyOf = <K extends string>(table: Readonly<Record<K, number>>, key: unknown): key is K =>
  typeof key === 'string' && Object.hasOwn(table, key)

/**
 * A draft as a person wrote it, with the usual rate of its method and its optimizer where it says none. What is no draft
 * stays as it is.
 */
export function withUsualRate(draft: unknown): unknown {
  if (!isRecord(draft)) return draft
  const { method = {}, optimizer = {} } = draft
  if (!isRecord(method) || !isRecord(optimizer) || optimizer.learningRate !== undefined) return draft
  const { kind = 'lora' } = method
  const { kind: by = 'adamw' } = optimizer
  if (!isKeyOf(usualRates, kind) || !isOptimizer(by)) return draft
  return { ...draft, optimizer: { ...optimizer, learningRate: usualRate(kind, by) } }
}
