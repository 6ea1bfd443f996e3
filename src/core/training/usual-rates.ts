// The learning rate where nobody says one: it goes by what is trained. An adapter begins at nothing and bears 0.0002; the
// weights of a whole model hold all that it knows, and steps of that size wash it out (papers: 0.00001 to 0.00005); one new
// layer on states that never change is a convex problem and learns fast at 0.01 (measured: docs/figures.md). A new layer
// beside an adapter shares its rate: a little more than the adapter's own.
import { isRecord } from '#shared/json-record.ts'
import type { Recipe } from '#shared/recipe.ts'

type MethodKind = Recipe['method']['kind']

export const usualRates: Readonly<Record<MethodKind, number>> = {
  lora: 2e-4,
  full: 2e-5,
  head: 1e-2,
  'lora-head': 5e-4,
}

/** A draft as a person wrote it, with the usual rate of its method where it says none. What is no draft stays as it is. */
export function withUsualRate(draft: unknown): unknown {
  if (!isRecord(draft)) return draft
  const { method, optimizer = {} } = draft
  const kind = isRecord(method) ? method.kind : undefined
  const rate = typeof kind === 'string' && Object.hasOwn(usualRates, kind) && usualRates[kind as MethodKind]
  if (!rate || !isRecord(optimizer) || optimizer.learningRate !== undefined) return draft
  return { ...draft, optimizer: { ...optimizer, learningRate: rate } }
}
