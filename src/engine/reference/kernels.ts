// Every op in plain TypeScript, as its definition in ir/types.ts reads: slow, and the truth the backends are held to.
// One kernel per op: an omitted op does not compile. Legend of dimension letters: see ir/types.ts.
import { attentionKernels } from './kernels/attention.ts'
import type { Kernels } from './kernels/dense.ts'
import { linearKernels } from './kernels/linear.ts'
import { lossKernels } from './kernels/loss.ts'
import { normKernels } from './kernels/norm.ts'
import { pointwiseKernels } from './kernels/pointwise.ts'

export const kernels: Kernels = {
  ...linearKernels,
  ...normKernels,
  ...attentionKernels,
  ...pointwiseKernels,
  ...lossKernels,
}
