// The blocks of an attention op without a loop: a fixed number, one behind the other in the graph. Providers for graphics
// cards run a loop's control and its sequences on the processor, and would bring every block there.
// Legend: S queries of a row, T its keys.
import type { AttentionAttributes, Dim } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import type { PlannedOperands, UnrolledBlock, UnrolledPlan } from './attention-plan.ts'

/** Of a causal op: with n blocks (n + 1) / 2n of the square is computed, and 1 / n of it held at a time. */
const causalBlocks = 4

/**
 * Ranges follow from sizes alone: what segments hide is hidden by the mask. An op that is not causal is one block: it
 * could leave out no key. No block is ever empty, which products and shapes of the runtime would not bear: where a row has
 * fewer queries than there are blocks, the last ones repeat its last query.
 */
export function planUnrolled(
  emit: Emitter,
  { q, k }: PlannedOperands,
  { heads, kvHeads, causal, window }: AttentionAttributes,
): UnrolledPlan {
  const [queries, keys] = [q.shape[1]!, k.shape[1]!]
  const key = [queries, keys, heads, kvHeads, causal, window].join()
  const zero = emit.integers([0])
  const parts = emit.integers([1])
  if (!causal) {
    const [end, high] = [queries, keys].map((size) => emit.around(() => emit.sizeOf(size)))
    const bounds = { start: zero, end: end!, low: zero, high: high!, parts }
    return { kind: 'unrolled', blocks: [{ bounds, counts: null, place: `whole of ${key}` }], shared: null }
  }
  const blocks = Array.from({ length: causalBlocks }, (_, index): UnrolledBlock => {
    const { start, end, counts } = cutQueries(emit, queries, index)
    const low = window === null ? zero : firstInWindow(emit, start, window)
    return { bounds: { start, end, low, high: end, parts }, counts, place: `block ${index} of ${key}` }
  })
  return { kind: 'unrolled', blocks, shared: null }
}

/** The queries of block `index` of a row of S; the last takes what is left. Computed once for all layers. */
function cutQueries(emit: Emitter, size: Dim, index: number) {
  return emit.around(() => {
    const whole = emit.sizeOf(size)
    const one = emit.integers([1])
    const once = (what: string, make: () => string): string =>
      emit.share(`${what} of blocks of ${size}`, make)
    const step = once('step', () =>
      emit.node('Max', [emit.node('Div', [whole, emit.integers([causalBlocks])]), one]),
    )
    const at = (part: number): string =>
      once(`place ${part}`, () => emit.node('Mul', [step, emit.integers([part])]))
    const last = once('last', () => emit.node('Sub', [whole, one]))
    const start =
      index === 0 ? emit.integers([0]) : once(`start ${index}`, () => emit.node('Min', [at(index), last]))
    const isLast = index === causalBlocks - 1
    const end = isLast ? whole : once(`end ${index}`, () => emit.node('Min', [at(index + 1), whole]))
    const counts =
      index === 0
        ? null
        : once(`counts ${index}`, () => emit.castToFloat(emit.node('Less', [at(index), whole]), {}))
    return { start, end, counts }
  })
}

const firstInWindow = (emit: Emitter, start: string, window: number): string =>
  emit.around(() =>
    emit.share(`${window} before ${start}`, () =>
      emit.node('Max', [emit.node('Sub', [start, emit.integers([window - 1])]), emit.integers([0])]),
    ),
  )
