// Adafactor (Shazeer & Stern 2018) as transformers.optimization.Adafactor with scale_parameter=False and
// relative_step=False: no first moment, second moments of a matrix as the product of its rows' and columns' means,
// updates limited to a root mean square of 1, decoupled weight decay.
import type { BoundTensor, OptimizerRule, OptimizerSettings, StepNumbers } from './optimizer-rule.ts'

/** Added to squared gradients: eps1 of the paper. */
const squareEpsilon = 1e-30
/** d of the paper. */
const largestRms = 1
/** b2 of step t = 1 - t^-0.8 */
const decayExponent = -0.8

export const adafactor: OptimizerRule = {
  slots: (shape) =>
    shape.length < 2
      ? [{ name: 'second', dtype: 'float32', shape }]
      : [
          { name: 'rows', dtype: 'float32', shape: shape.slice(0, -1) },
          { name: 'columns', dtype: 'float32', shape: [...shape.slice(0, -2), ...shape.slice(-1)] },
        ],
  prepare: (settings) => (tensor) =>
    tensor.shape.length < 2 ? bindVector(tensor, settings) : bindMatrices(tensor, settings),
}

interface Decay {
  /** b2: share of the second moments that is kept. */
  readonly kept: number
  /** 1 - lr wd */
  readonly keep: number
}

const decayOf = ({ weightDecay }: OptimizerSettings, { updates, learningRate }: StepNumbers): Decay => ({
  kept: 1 - updates ** decayExponent,
  keep: 1 - learningRate * weightDecay,
})

/** lr / max(1, RMS(update) / d) for the sum of squares of an update of so many entries. */
const limitedRate = (learningRate: number, squares: number, length: number): number =>
  learningRate / Math.max(1, Math.sqrt(squares / length) / largestRms)

/** v <- b2 v + (1 - b2) (g^2 + eps1);  u = g / sqrt(v);  p <- p (1 - lr wd) - lr u / max(1, RMS(u) / d) */
function bindVector({ parameters, gradients, floats }: BoundTensor, settings: OptimizerSettings) {
  const second = floats('second')
  return (numbers: StepNumbers): void => {
    const { gradScale, learningRate } = numbers
    const { kept, keep } = decayOf(settings, numbers)
    let squares = 0
    for (let i = 0; i < second.length; i += 1) {
      const gradient = gradients[i]! * gradScale
      second[i] = kept * second[i]! + (1 - kept) * (gradient * gradient + squareEpsilon)
      squares += (gradient * gradient) / second[i]!
    }
    const rate = limitedRate(learningRate, squares, second.length) * gradScale
    for (let i = 0; i < second.length; i += 1)
      parameters[i] = parameters[i]! * keep - (rate * gradients[i]!) / Math.sqrt(second[i]!)
  }
}

/** The last two dimensions are a matrix; each of the others has row and column means of its own. */
function bindMatrices(tensor: BoundTensor, settings: OptimizerSettings) {
  const matrices = matricesOf(tensor)
  const columnSums = new Float64Array(tensor.shape.at(-1)!)
  return (numbers: StepNumbers): void => {
    const { gradScale, learningRate } = numbers
    const { kept, keep } = decayOf(settings, numbers)
    let squares = 0
    for (const matrix of matrices) {
      updateMeans(matrix, columnSums, kept, gradScale)
      squares += updateFactors(matrix) * gradScale * gradScale
    }
    const rate = limitedRate(learningRate, squares, tensor.parameters.length) * gradScale
    for (const matrix of matrices) moveParameters(matrix, keep, rate)
  }
}

function matricesOf({ shape, parameters, gradients, floats }: BoundTensor): readonly Matrix[] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!]
  const size = rows * columns
  return Array.from({ length: parameters.length / size }, (_, index) => {
    const part = (flat: Float32Array, length: number) => flat.subarray(index * length, (index + 1) * length)
    return {
      parameters: part(parameters, size),
      gradients: part(gradients, size),
      rowMeans: part(floats('rows'), rows),
      columnMeans: part(floats('columns'), columns),
      rowFactors: new Float64Array(rows),
      columnFactors: new Float64Array(columns),
    }
  })
}

interface Matrix {
  readonly parameters: Float32Array
  readonly gradients: Float32Array
  readonly rowMeans: Float32Array
  readonly columnMeans: Float32Array
  readonly rowFactors: Float64Array
  readonly columnFactors: Float64Array
}

/** r <- b2 r + (1 - b2) mean over columns of (g^2 + eps1); c the same over rows. */
function updateMeans(
  { gradients, rowMeans, columnMeans }: Matrix,
  columnSums: Float64Array,
  kept: number,
  gradScale: number,
): void {
  const [rows, columns] = [rowMeans.length, columnMeans.length]
  columnSums.fill(0)
  for (let row = 0, i = 0; row < rows; row += 1) {
    let rowSum = 0
    for (let column = 0; column < columns; column += 1, i += 1) {
      const gradient = gradients[i]! * gradScale
      const square = gradient * gradient + squareEpsilon
      rowSum += square
      columnSums[column] = columnSums[column]! + square
    }
    rowMeans[row] = kept * rowMeans[row]! + ((1 - kept) * rowSum) / columns
  }
  for (let column = 0; column < columns; column += 1)
    columnMeans[column] = kept * columnMeans[column]! + ((1 - kept) * columnSums[column]!) / rows
}

/** 1/sqrt(r / mean r) and 1/sqrt(c), whose product estimates 1/sqrt(v). Returns the squares of the update of g = gradients. */
function updateFactors({ gradients, rowMeans, columnMeans, rowFactors, columnFactors }: Matrix): number {
  const [rows, columns] = [rowMeans.length, columnMeans.length]
  let rowTotal = 0
  for (let row = 0; row < rows; row += 1) rowTotal += rowMeans[row]!
  for (let row = 0; row < rows; row += 1) rowFactors[row] = 1 / Math.sqrt((rowMeans[row]! * rows) / rowTotal)
  for (let column = 0; column < columns; column += 1)
    columnFactors[column] = 1 / Math.sqrt(columnMeans[column]!)
  let squares = 0
  for (let row = 0, i = 0; row < rows; row += 1) {
    let rowSquares = 0
    for (let column = 0; column < columns; column += 1, i += 1) {
      const scaled = gradients[i]! * columnFactors[column]!
      rowSquares += scaled * scaled
    }
    squares += rowSquares * rowFactors[row]! * rowFactors[row]!
  }
  return squares
}

/** p <- keep p - rate rowFactor columnFactor g */
function moveParameters(matrix: Matrix, keep: number, rate: number): void {
  const { parameters, gradients, rowFactors, columnFactors } = matrix
  for (let row = 0, i = 0; row < rowFactors.length; row += 1) {
    const rowRate = rate * rowFactors[row]!
    for (let column = 0; column < columnFactors.length; column += 1, i += 1)
      parameters[i] = parameters[i]! * keep - rowRate * columnFactors[column]! * gradients[i]!
  }
}
