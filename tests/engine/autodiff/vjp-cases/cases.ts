// What is asked of each op's derivative: graphs of trained operands, or proof that the op has none.
import type { OpKind, Value } from '../../../../src/engine/index.ts'
import type { Bench } from '../../support/gradient-check.ts'

export type Build = (bench: Bench) => Value

export type Row =
  /** Graphs of trained operands; each gives the op's result. */
  | { readonly differentiable: Readonly<Record<string, Build>> }
  /** The op on a trained operand; `derivativeOf` is the op whose derivative contains it. */
  | { readonly refuses: Build; readonly derivativeOf: OpKind | null }

export type Rows = Readonly<Record<OpKind, Row>>
