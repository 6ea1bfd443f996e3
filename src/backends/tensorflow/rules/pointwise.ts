// Sums, products by element or column, views, constants and ordering as TensorFlow.
import { lastOf } from '../emitter.ts'
import { add, concat, divide, expand, fill, multiply, reshape, split, sum } from '../operators.ts'
import { read } from '../weights.ts'
import type { RulesFor } from './rule.ts'

export const pointwiseRules: RulesFor<
  | 'add'
  | 'multiply'
  | 'multiplyColumns'
  | 'multiplyColumnsBackward'
  | 'multiplyRows'
  | 'divideByConstants'
  | 'splitLast'
  | 'mergeLast'
  | 'slices'
  | 'concatLast'
  | 'scale'
  | 'ones'
  | 'tie'
> = {
  add(emit, { inputs: [a, b], outputs: [y] }) {
    emit.setRows(y, add(emit, emit.rows(a), emit.rows(b)))
  },

  multiply(emit, { inputs: [a, b], outputs: [y] }) {
    emit.setRows(y, multiply(emit, emit.rows(a), emit.rows(b)))
  },

  multiplyColumns(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.setRows(y, multiply(emit, emit.rows(x), read(emit, factors)))
  },

  multiplyColumnsBackward(emit, { inputs: [dy, x], outputs: [dFactors] }) {
    emit.setRows(dFactors, sum(emit, multiply(emit, emit.rows(dy), emit.rows(x)), [0]))
  },

  multiplyRows(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.setRows(y, multiply(emit, emit.rows(x), expand(emit, emit.whole(factors), 1)))
  },

  divideByConstants(emit, { inputs: [a, constants], outputs: [y] }) {
    emit.setRows(y, divide(emit, read(emit, a), read(emit, constants)))
  },

  splitLast(emit, { inputs: [x], outputs: [y] }) {
    emit.setRows(y, reshape(emit, emit.rows(x), emit.integers([-1, lastOf(y.shape)])))
  },

  mergeLast(emit, { inputs: [x], outputs: [y] }) {
    emit.setRows(y, reshape(emit, emit.rows(x), emit.integers([-1, lastOf(y.shape)])))
  },

  slices(emit, { inputs: [x], outputs, attributes }) {
    const parts = split(emit, emit.rows(x), attributes.widths, -1)
    for (const [index, value] of outputs.entries()) emit.setRows(value, parts[index]!)
  },

  concatLast(emit, { inputs, outputs: [y] }) {
    const parts = inputs.map((part) => emit.rows(part))
    emit.setRows(y, concat(emit, parts, -1))
  },

  scale(emit, { inputs: [x], outputs: [y], attributes }) {
    emit.setRows(y, multiply(emit, emit.rows(x), emit.scalar(attributes.factor)))
  },

  ones(emit, { outputs: [y] }) {
    emit.setWhole(y, fill(emit, emit.shapeOf(y.shape), emit.scalar(1)))
  },

  /** Of a value that is the same in another form only one form exists behind it. */
  tie(emit, { inputs: [x, ...dependencies], outputs: [y] }) {
    const others = dependencies.map((dependency) => emit.rows(dependency))
    emit.setRows(y, emit.after(emit.rows(x), others))
  },
}
