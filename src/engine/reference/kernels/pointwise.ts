// What works number by number, and views and cuts along the last dimension, by their definitions.
import { activations } from './activations.ts'
import {
  addScaled,
  at,
  type DenseArray,
  type DenseResult,
  fill,
  increase,
  type Kernels,
  lastDim,
  rowCount,
} from './dense.ts'

/** Calls back for each part of [..., w1+w2+...] and each row: where the row's cells stand in the whole and the part. */
function forEachPart<Part extends { readonly shape: readonly number[] }>(
  rows: number,
  parts: readonly Part[],
  work: (part: Part, wholeStart: number, partStart: number, width: number) => void,
): void {
  const whole = parts.reduce((total, part) => total + lastDim(part), 0)
  let before = 0
  for (const part of parts) {
    const width = lastDim(part)
    for (let row = 0; row < rows; row += 1) work(part, row * whole + before, row * width, width)
    before += width
  }
}

export const pointwiseKernels = {
  activation([x], [y], { kind }) {
    const { value } = activations[kind]
    fill(y, (i) => value(at(x.data, i)))
  },

  activationBackward([dy, x], [dx], { kind }) {
    const { derivative } = activations[kind]
    fill(dx, (i) => at(dy.data, i) * derivative(at(x.data, i)))
  },

  gatedActivation([gate, up], [y], { kind }) {
    const { value } = activations[kind]
    fill(y, (i) => value(at(gate.data, i)) * at(up.data, i))
  },

  gatedActivationBackward([dy, gate, up], [dGate, dUp], { kind }) {
    const { value, derivative } = activations[kind]
    fill(dGate, (i) => at(dy.data, i) * at(up.data, i) * derivative(at(gate.data, i)))
    fill(dUp, (i) => at(dy.data, i) * value(at(gate.data, i)))
  },

  scale([x], [y], { factor }) {
    fill(y, (i) => factor * at(x.data, i))
  },

  softCap([x], [y], { cap }) {
    fill(y, (i) => cap * Math.tanh(at(x.data, i) / cap))
  },

  softCapBackward([dy, y], [dx], { cap }) {
    fill(dx, (i) => at(dy.data, i) * (1 - (at(y.data, i) / cap) ** 2))
  },

  multiply([a, b], [y]) {
    fill(y, (i) => at(a.data, i) * at(b.data, i))
  },

  multiplyColumns([x, factors], [y]) {
    const width = lastDim(x)
    fill(y, (i) => at(x.data, i) * at(factors.data, i % width))
  },

  multiplyColumnsBackward([dy, x], [dFactors]) {
    const width = lastDim(x)
    for (let i = 0; i < x.data.length; i += 1)
      increase(dFactors.data, i % width, at(dy.data, i) * at(x.data, i))
  },

  divideByConstants([a, constants], [y]) {
    fill(y, (i) => at(a.data, i) / at(constants.data, i))
  },

  add([a, b], [sum]) {
    fill(sum, (i) => at(a.data, i) + at(b.data, i))
  },

  splitLast([x], [y]) {
    y.data.set(x.data)
  },

  mergeLast([x], [y]) {
    y.data.set(x.data)
  },

  slices([x], parts) {
    const results: readonly DenseResult[] = parts
    forEachPart(rowCount(x), results, (part, wholeStart, partStart, width) =>
      addScaled(part, partStart, x, wholeStart, width, 1),
    )
  },

  concatLast(parts, [y]) {
    const operands: readonly DenseArray[] = parts
    forEachPart(rowCount(parts[0]), operands, (part, wholeStart, partStart, width) =>
      addScaled(y, wholeStart, part, partStart, width, 1),
    )
  },

  ones(_inputs, [y]) {
    y.data.fill(1)
  },

  tie([x], [y]) {
    y.data.set(x.data)
  },
} satisfies Partial<Kernels>
