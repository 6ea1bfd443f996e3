// Shapes of what works number by number, and of views and cuts along the last dimension.
import type { Value } from '../types.ts'
import {
  dimAt,
  float,
  lastDim,
  lastWidth,
  leading,
  require,
  requireAttribute,
  requireFloats,
  requireShape,
  sameShape,
  type TypeRules,
  type ValueType,
} from './checks.ts'

/** Operands of one shape give a result of that shape. */
function alike(first: Value, ...others: readonly Value[]): ValueType {
  requireFloats(first, ...others)
  for (const other of others) requireShape(other, first.shape)
  return float(...first.shape)
}

function requireColumns(x: Value, factors: Value): void {
  requireFloats(x, factors)
  requireShape(factors, [lastDim(x)])
}

export const pointwiseTypes = {
  activation: ([x]) => [alike(x)],
  activationBackward: ([dy, x]) => [alike(dy, x)],
  gatedActivation: ([gate, up]) => [alike(gate, up)],
  gatedActivationBackward: ([dy, gate, up]) => [alike(dy, gate, up), alike(dy, up)],
  scale: ([x]) => [alike(x)],
  softCap: ([x], { cap }) => {
    requireAttribute(cap > 0, 'a cap above 0', cap)
    return [alike(x)]
  },
  softCapBackward: ([dy, y], { cap }) => {
    requireAttribute(cap > 0, 'a cap above 0', cap)
    return [alike(dy, y)]
  },
  multiply: ([a, b]) => [alike(a, b)],
  multiplyColumns: ([x, factors]) => {
    requireColumns(x, factors)
    return [float(...x.shape)]
  },
  multiplyColumnsBackward: ([dy, x]) => {
    alike(dy, x)
    return [float(lastDim(x))]
  },
  divideByConstants: ([a, constants]) => {
    require(a.shape.length === 1, 'a [C]', a)
    return [alike(a, constants)]
  },
  add: ([a, b]) => [alike(a, b)],
  splitLast: ([x], { parts }) => {
    requireFloats(x)
    const width = lastWidth(x) / parts
    require(parts > 0 && Number.isInteger(width), `[...,${parts}*D]`, x)
    return [float(...leading(x), parts, width)]
  },
  mergeLast: ([x]) => {
    requireFloats(x)
    const parts = dimAt(x, x.shape.length - 2)
    require(typeof parts === 'number', '[...,N,D] with N of fixed size', x)
    return [float(...x.shape.slice(0, -2), Number(parts) * lastWidth(x))]
  },
  slices: ([x], { widths }) => {
    requireFloats(x)
    const [first, ...rest] = widths
    requireAttribute(
      first !== undefined && widths.every((width) => Number.isInteger(width) && width > 0),
      'at least one width, each a whole number above 0',
      widths,
    )
    const sum = widths.reduce((total, width) => total + width, 0)
    require(lastWidth(x) === sum, `widths ${widths.join('+')} that fill the last dimension`, x)
    return [float(...leading(x), Number(first)), ...rest.map((width) => float(...leading(x), width))]
  },
  concatLast: ([first, ...rest]) => {
    requireFloats(first, ...rest)
    for (const other of rest)
      require(sameShape(leading(other), leading(first)), 'the same leading dims', first, other)
    const width = rest.reduce((total, other) => total + lastWidth(other), lastWidth(first))
    return [float(...leading(first), width)]
  },
  ones: ([like]) => [alike(like)],
  tie: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
} satisfies Partial<TypeRules>
