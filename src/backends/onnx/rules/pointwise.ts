// Sums, products by element or column, views, constants and ordering as ONNX.
import { lastOf, rowsShape } from '../shapes.ts'
import type { RulesFor } from './rule.ts'

export const pointwiseRules: RulesFor<
  | 'add'
  | 'multiply'
  | 'multiplyColumns'
  | 'multiplyColumnsBackward'
  | 'divideByConstants'
  | 'splitLast'
  | 'mergeLast'
  | 'slices'
  | 'concatLast'
  | 'ones'
  | 'tie'
> = {
  add(emit, { inputs: [a, b], outputs: [sum] }) {
    emit.rowsNode('Add', [emit.asRows(a), emit.asRows(b)], [sum])
  },

  multiply(emit, { inputs: [a, b], outputs: [y] }) {
    emit.rowsNode('Mul', [emit.asRows(a), emit.asRows(b)], [y])
  },

  multiplyColumns(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.rowsNode('Mul', [emit.asRows(x), emit.read(factors)], [y])
  },

  multiplyColumnsBackward(emit, { inputs: [dy, x], outputs: [dFactors] }) {
    const product = emit.node('Mul', [emit.asRows(dy), emit.asRows(x)], { shape: rowsShape(x.shape) })
    emit.node('ReduceSum', [product, emit.integers([0])], {
      attributes: { keepdims: 0 },
      outputs: [dFactors.name],
    })
  },

  divideByConstants(emit, { inputs: [a, constants], outputs: [y] }) {
    emit.node('Div', [emit.read(a), emit.read(constants)], { outputs: [y.name] })
  },

  splitLast(emit, { inputs: [x], outputs: [y] }) {
    const rows = emit.reshape(emit.asRows(x), [-1, lastOf(y.shape)], { shape: rowsShape(y.shape) })
    emit.fromRows(rows, y)
  },

  mergeLast(emit, { inputs: [x], outputs: [y] }) {
    const rows = emit.reshape(emit.asRows(x), [-1, lastOf(y.shape)], { shape: rowsShape(y.shape) })
    emit.fromRows(rows, y)
  },

  slices(emit, { inputs: [x], outputs, attributes }) {
    emit.rowsNode('Split', [emit.asRows(x), emit.integers(attributes.widths)], outputs, {
      attributes: { axis: -1 },
    })
  },

  concatLast(emit, { inputs, outputs: [y] }) {
    const rows = inputs.map((part) => emit.asRows(part))
    emit.rowsNode('Concat', rows, [y], { attributes: { axis: -1 } })
  },

  ones(emit, { outputs: [y] }) {
    emit.filled(1, emit.shapeOf(y.shape), { outputs: [y.name] })
  },

  tie(emit, { inputs: [x, ...dependencies], outputs: [y] }) {
    const waitsFor = dependencies.map((dependency) => emit.asRows(dependency))
    emit.fromRows(emit.tie(emit.asRows(x), rowsShape(x.shape), waitsFor), y)
  },
}
