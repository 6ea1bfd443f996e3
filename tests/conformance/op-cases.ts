// Every op in its variants, each a small graph with random feeds. Every backend must agree with the reference
// interpreter.
import { attentionCases } from './op-cases/attention.ts'
import type { OpCase } from './op-cases/case-builder.ts'
import { linearCases } from './op-cases/linear.ts'
import { lossCases } from './op-cases/loss.ts'
import { normCases } from './op-cases/norm.ts'
import { pointwiseCases } from './op-cases/pointwise.ts'

export const opCases: readonly OpCase[] = [
  ...linearCases,
  ...normCases,
  ...attentionCases,
  ...pointwiseCases,
  ...lossCases,
]
