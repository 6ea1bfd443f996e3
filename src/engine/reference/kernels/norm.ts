// Root-mean-square and layer norms, by their definitions.
import { at, dot, increase, type Kernels, lastDim, rowCount } from './dense.ts'

export const normKernels = {
  rmsNorm([x, weight], [y, invStd], { epsilon, offset }) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const inverse = 1 / Math.sqrt(dot(x, start, x, start, width) / width + epsilon)
      invStd.data[row] = inverse
      for (let i = 0; i < width; i += 1)
        y.data[start + i] = at(x.data, start + i) * inverse * (offset + at(weight.data, i))
    }
  },

  // dx = r (g - x r^2 mean(g x)) with g = dy (offset + weight) and r = invStd
  rmsNormBackward([dy, x, weight, invStd], [dx], { offset }) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const inverse = at(invStd.data, row)
      const scaled = (i: number): number => at(dy.data, start + i) * (offset + at(weight.data, i))
      let mean = 0
      for (let i = 0; i < width; i += 1) mean += (scaled(i) * at(x.data, start + i)) / width
      for (let i = 0; i < width; i += 1)
        dx.data[start + i] = inverse * (scaled(i) - at(x.data, start + i) * inverse * inverse * mean)
    }
  },

  rmsNormWeightBackward([dy, x, invStd], [dWeight]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1)
      for (let i = 0; i < width; i += 1) {
        const cell = row * width + i
        increase(dWeight.data, i, at(dy.data, cell) * at(x.data, cell) * at(invStd.data, row))
      }
  },

  layerNorm([x, weight, bias], [y, mean, invStd], { epsilon }) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const cells = x.data.subarray(start, start + width)
      let middle = 0
      for (const cell of cells) middle += cell / width
      let variance = 0
      for (const cell of cells) variance += (cell - middle) ** 2 / width
      const inverse = 1 / Math.sqrt(variance + epsilon)
      mean.data[row] = middle
      invStd.data[row] = inverse
      for (let i = 0; i < width; i += 1)
        y.data[start + i] =
          (at(cells, i) - middle) * inverse * at(weight.data, i) + (bias ? at(bias.data, i) : 0)
    }
  },

  // dx = r (g - mean(g) - n mean(g n)) with g = dy weight, r = invStd, n = (x - mean) r
  layerNormBackward([dy, x, weight, mean, invStd], [dx]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) {
      const start = row * width
      const [middle, inverse] = [at(mean.data, row), at(invStd.data, row)]
      const scaled = (i: number): number => at(dy.data, start + i) * at(weight.data, i)
      const normed = (i: number): number => (at(x.data, start + i) - middle) * inverse
      let [meanScaled, meanProduct] = [0, 0]
      for (let i = 0; i < width; i += 1) {
        meanScaled += scaled(i) / width
        meanProduct += (scaled(i) * normed(i)) / width
      }
      for (let i = 0; i < width; i += 1)
        dx.data[start + i] = inverse * (scaled(i) - meanScaled - normed(i) * meanProduct)
    }
  },

  layerNormWeightBackward([dy, x, mean, invStd], [dWeight]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1)
      for (let i = 0; i < width; i += 1) {
        const cell = row * width + i
        const normed = (at(x.data, cell) - at(mean.data, row)) * at(invStd.data, row)
        increase(dWeight.data, i, at(dy.data, cell) * normed)
      }
  },
} satisfies Partial<Kernels>
