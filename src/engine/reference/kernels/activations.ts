// Activation functions and their derivatives, as accurate as float64 allows.
import type { Activation } from '../../ir/types.ts'

interface ActivationFunction {
  value(x: number): number
  derivative(x: number): number
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/**
 * erf(x) = 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)) (Abramowitz & Stegun 7.1.6): terms of one
 * sign, so nothing cancels. Beyond 6 it is 1 to the last bit.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n += 1) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** The standard normal distribution: its cumulative function and its density. */
const cumulative = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)

const tanhGate = (x: number): number => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))

export const activations: Readonly<Record<Activation, ActivationFunction>> = {
  silu: {
    value: (x) => x * sigmoid(x),
    derivative: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  gelu: {
    value: (x) => x * cumulative(x),
    derivative: (x) => cumulative(x) + x * density(x),
  },
  'gelu-tanh': {
    value: (x) => (x / 2) * (1 + tanhGate(x)),
    derivative: (x) => {
      const gate = tanhGate(x)
      const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x)
      return (1 + gate) / 2 + (x / 2) * (1 - gate * gate) * slope
    },
  },
  relu: {
    value: (x) => Math.max(x, 0),
    derivative: (x) => (x > 0 ? 1 : 0),
  },
  tanh: {
    value: Math.tanh,
    derivative: (x) => 1 - Math.tanh(x) ** 2,
  },
}
