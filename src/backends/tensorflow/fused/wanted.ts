// Results that an operator of ours writes in float32, in bfloat16 or in both, as their readers want them.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { boolean, type TfAttribute } from '../graph-def.ts'
import type { Tensor } from '../tensor.ts'
import type { Need } from './needs.ts'

export const wantedOf = ({ full, half }: Need): Readonly<Record<string, TfAttribute>> => ({
  gives_full: boolean(full > 0),
  gives_half: boolean(half > 0),
})

/** The tensors of what is not wanted are empty. */
export function declare(
  emit: Emitter,
  value: Value,
  { full, half }: Need,
  tensors: { readonly full: Tensor; readonly half: Tensor },
): void {
  if (full > 0) emit.setRows(value, tensors.full)
  if (half > 0) emit.setHalfRows(value, tensors.half)
}

/** Of an operator that writes two values alike. */
export const eitherOf = (a: Need, b: Need): Need => ({ full: a.full + b.full, half: a.half + b.half })
