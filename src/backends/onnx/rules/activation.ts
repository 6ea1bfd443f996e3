// Activations and gated activations as ONNX, with their slopes.
import type { Activation, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { float, type NodeOptions } from '../node-writer.ts'
import { rowsShape } from '../shapes.ts'
import type { RulesFor } from './rule.ts'

export const activationRules: RulesFor<
  'activation' | 'activationBackward' | 'gatedActivation' | 'gatedActivationBackward'
> = {
  activation(emit, { inputs: [x], outputs: [y], attributes }) {
    const { operator, ...options } = operators[attributes.kind]
    emit.rowsNode(operator, [emit.asRows(x)], [y], options)
  },

  activationBackward(emit, { inputs: [dy, x], outputs: [dx], attributes }) {
    const { slope } = formsOf(emit, attributes.kind, x)
    emit.rowsNode('Mul', [emit.asRows(dy), slope()], [dx])
  },

  gatedActivation(emit, { inputs: [gate, up], outputs: [y], attributes }) {
    const { operator, ...options } = operators[attributes.kind]
    const activated = emit.node(operator, [emit.asRows(gate)], { ...options, shape: rowsShape(gate.shape) })
    emit.rowsNode('Mul', [activated, emit.asRows(up)], [y])
  },

  /** dUp = dy * activation(gate), dGate = dy * up * activation'(gate). */
  gatedActivationBackward(emit, { inputs: [dy, gate, up], outputs: [dGate, dUp], attributes }) {
    const shape = rowsShape(gate.shape)
    const gradient = emit.asRows(dy)
    const { activated, slope } = formsOf(emit, attributes.kind, gate)
    emit.rowsNode('Mul', [gradient, activated()], [dUp])
    emit.rowsNode('Mul', [emit.node('Mul', [gradient, emit.asRows(up)], { shape }), slope()], [dGate])
  },
}

/** QuickGelu with alpha 1 is x * sigmoid(x) in one pass. */
const operators: Readonly<Record<Activation, NodeOptions & { readonly operator: string }>> = {
  silu: { operator: 'QuickGelu', domain: 'com.microsoft', attributes: { alpha: float(1) } },
  gelu: { operator: 'Gelu' },
  'gelu-tanh': { operator: 'Gelu', attributes: { approximate: 'tanh' } },
  relu: { operator: 'Relu' },
  tanh: { operator: 'Tanh' },
}

/** activation(x) and activation'(x) of rows x, sharing what they have in common; emitted when asked for. */
interface Forms {
  readonly activated: () => string
  readonly slope: () => string
}

function formsOf(emit: Emitter, kind: Activation, x: Value): Forms {
  const shape = rowsShape(x.shape)
  const math = new Elementwise((operator, ...inputs) => emit.node(operator, inputs, { shape }), emit)
  const rows = emit.asRows(x)
  if (kind === 'silu') return siluForms(math, rows)
  if (kind === 'gelu') return geluForms(math, rows)
  if (kind === 'gelu-tanh') return tanhGeluForms(math, rows)
  if (kind === 'relu') return reluForms(math, rows)
  return tanhForms(math, rows)
}

/** Arithmetic on tensors of one shape, and numbers. */
class Elementwise {
  readonly op: (operator: string, ...inputs: readonly string[]) => string
  readonly #emit: Emitter

  constructor(op: Elementwise['op'], emit: Emitter) {
    this.op = op
    this.#emit = emit
  }

  number(value: number): string {
    return this.#emit.scalar(value)
  }

  times(a: string, b: string | number): string {
    return this.op('Mul', a, typeof b === 'number' ? this.number(b) : b)
  }

  plus(a: string, b: string | number): string {
    return this.op('Add', a, typeof b === 'number' ? this.number(b) : b)
  }

  /** 1 where a > 0, else 0; a is nowhere below 0. WebGPU knows no Sign. */
  step(a: string): string {
    if (this.#emit.dialect === 'cpu') return this.op('Sign', a)
    const isAbove = this.#emit.node('Greater', [a, this.number(0)])
    return this.op('Where', isAbove, this.number(1), this.number(0))
  }

  /** 1 - a */
  rest(a: string): string {
    return this.op('Sub', this.number(1), a)
  }
}

/** With s = sigmoid(x) and a = x * s: slope = s + a * (1 - s). */
function siluForms(math: Elementwise, x: string): Forms {
  const s = math.op('Sigmoid', x)
  const a = math.times(x, s)
  return { activated: () => a, slope: () => math.plus(math.times(a, math.rest(s)), s) }
}

/** With Phi = (1 + erf(x / sqrt(2))) / 2: slope = Phi + x * exp(-x^2 / 2) / sqrt(2 pi). */
function geluForms(math: Elementwise, x: string): Forms {
  const phi = math.plus(math.times(math.op('Erf', math.times(x, Math.SQRT1_2)), 0.5), 0.5)
  const density = () =>
    math.times(math.op('Exp', math.times(math.times(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
  return { activated: () => math.times(x, phi), slope: () => math.plus(math.times(density(), x), phi) }
}

const tanhScale = Math.sqrt(2 / Math.PI)
const tanhCubic = 0.044715

/**
 * With t = tanh(u), u = c * (x + k * x^3) and h = (1 + t) / 2: activation x * h and, since (1 - t^2) / 2 = 2 h (1 - h),
 * slope = h + x * 2 h (1 - h) * c * (1 + 3 k x^2).
 */
function tanhGeluForms(math: Elementwise, x: string): Forms {
  const inner = math.plus(math.times(math.times(x, x), tanhScale * tanhCubic), tanhScale)
  const t = math.op('Tanh', math.times(inner, x))
  const h = math.plus(math.times(t, 0.5), 0.5)
  const innerSlope = () => math.plus(math.times(math.times(x, x), 6 * tanhScale * tanhCubic), 2 * tanhScale)
  const bump = () => math.times(math.times(math.rest(h), h), x)
  return {
    activated: () => math.times(x, h),
    slope: () => math.plus(math.times(bump(), innerSlope()), h),
  }
}

/** The slope at 0 is 0, as in PyTorch. */
function reluForms(math: Elementwise, x: string): Forms {
  const a = math.op('Relu', x)
  return { activated: () => a, slope: () => math.step(a) }
}

function tanhForms(math: Elementwise, x: string): Forms {
  const a = math.op('Tanh', x)
  return { activated: () => a, slope: () => math.rest(math.times(a, a)) }
}
