// Activations and gated activations as TensorFlow, with their slopes.
import type { Activation, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { add, erf, exp, multiply, relu, sigmoid, sign, square, subtract, tanh } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import type { RulesFor } from './rule.ts'

export const activationRules: RulesFor<
  'activation' | 'activationBackward' | 'gatedActivation' | 'gatedActivationBackward'
> = {
  activation(emit, { inputs: [x], outputs: [y], attributes }) {
    emit.setRows(y, formsOf(emit, attributes.kind, x).activated())
  },

  activationBackward(emit, { inputs: [dy, x], outputs: [dx], attributes }) {
    emit.setRows(dx, multiply(emit, emit.rows(dy), formsOf(emit, attributes.kind, x).slope()))
  },

  gatedActivation(emit, { inputs: [gate, up], outputs: [y], attributes }) {
    emit.setRows(y, multiply(emit, formsOf(emit, attributes.kind, gate).activated(), emit.rows(up)))
  },

  /** dUp = dy * activation(gate), dGate = dy * up * activation'(gate). */
  gatedActivationBackward(emit, { inputs: [dy, gate, up], outputs: [dGate, dUp], attributes }) {
    const gradient = emit.rows(dy)
    const { activated, slope } = formsOf(emit, attributes.kind, gate)
    emit.setRows(dUp, multiply(emit, gradient, activated()))
    emit.setRows(dGate, multiply(emit, multiply(emit, gradient, emit.rows(up)), slope()))
  },
}

/** activation(x) and activation'(x) of rows x, sharing what they have in common; emitted when asked for. */
interface Forms {
  readonly activated: () => Tensor
  readonly slope: () => Tensor
}

const forms: Readonly<Record<Activation, (math: Elementwise, x: Tensor) => Forms>> = {
  silu: siluForms,
  gelu: geluForms,
  'gelu-tanh': tanhGeluForms,
  relu: reluForms,
  tanh: tanhForms,
}

const formsOf = (emit: Emitter, kind: Activation, x: Value): Forms =>
  forms[kind](new Elementwise(emit), emit.rows(x))

/** Arithmetic on tensors of one shape, and numbers. */
class Elementwise {
  readonly emit: Emitter

  constructor(emit: Emitter) {
    this.emit = emit
  }

  #tensor(value: Tensor | number): Tensor {
    return typeof value === 'number' ? this.emit.scalar(value) : value
  }

  times(a: Tensor, b: Tensor | number): Tensor {
    return multiply(this.emit, a, this.#tensor(b))
  }

  plus(a: Tensor, b: Tensor | number): Tensor {
    return add(this.emit, a, this.#tensor(b))
  }

  /** 1 - a */
  rest(a: Tensor): Tensor {
    return subtract(this.emit, this.#tensor(1), a)
  }
}

/** With s = sigmoid(x) and a = x * s: slope = s + a * (1 - s). */
function siluForms(math: Elementwise, x: Tensor): Forms {
  const s = sigmoid(math.emit, x)
  const a = math.times(x, s)
  return { activated: () => a, slope: () => math.plus(math.times(a, math.rest(s)), s) }
}

/** With Phi = (1 + erf(x / sqrt(2))) / 2: slope = Phi + x * exp(-x^2 / 2) / sqrt(2 pi). */
function geluForms(math: Elementwise, x: Tensor): Forms {
  const phi = math.plus(math.times(erf(math.emit, math.times(x, Math.SQRT1_2)), 0.5), 0.5)
  const density = () =>
    math.times(exp(math.emit, math.times(square(math.emit, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
  return { activated: () => math.times(x, phi), slope: () => math.plus(math.times(density(), x), phi) }
}

const tanhScale = Math.sqrt(2 / Math.PI)
const tanhCubic = 0.044715

/**
 * With t = tanh(u), u = c * (x + k * x^3) and h = (1 + t) / 2: activation x * h and, since (1 - t^2) / 2 = 2 h (1 - h),
 * slope = h + x * 2 h (1 - h) * c * (1 + 3 k x^2).
 */
function tanhGeluForms(math: Elementwise, x: Tensor): Forms {
  const squared = square(math.emit, x)
  const inner = math.plus(math.times(squared, tanhScale * tanhCubic), tanhScale)
  const t = tanh(math.emit, math.times(inner, x))
  const h = math.plus(math.times(t, 0.5), 0.5)
  const innerSlope = () => math.plus(math.times(squared, 6 * tanhScale * tanhCubic), 2 * tanhScale)
  const bump = () => math.times(math.times(math.rest(h), h), x)
  return {
    activated: () => math.times(x, h),
    slope: () => math.plus(math.times(bump(), innerSlope()), h),
  }
}

/** The slope at 0 is 0, as in PyTorch. */
function reluForms({ emit }: Elementwise, x: Tensor): Forms {
  const a = relu(emit, x)
  return { activated: () => a, slope: () => sign(emit, a) }
}

function tanhForms(math: Elementwise, x: Tensor): Forms {
  const a = tanh(math.emit, x)
  return { activated: () => a, slope: () => math.rest(square(math.emit, a)) }
}
