// Tables, matrix products and sums, by their definitions.
import { addScaled, at, dim, dot, indexAt, type Kernels, lastDim, rowCount } from './dense.ts'

export const linearKernels = {
  embedding([table, ids], [y]) {
    const width = lastDim(table)
    for (let i = 0; i < ids.data.length; i += 1)
      addScaled(y, i * width, table, indexAt(ids, i, dim(table, 0), 'token') * width, width, 1)
  },

  embeddingBackward([dy, ids], [dTable], { vocabulary }) {
    const width = lastDim(dy)
    for (let i = 0; i < ids.data.length; i += 1)
      addScaled(dTable, indexAt(ids, i, vocabulary, 'token') * width, dy, i * width, width, 1)
  },

  linear([x, weight, addend], [y], { scale }) {
    const [outputs, inputs] = [dim(weight, 0), dim(weight, 1)]
    const isVector = addend?.shape.length === 1
    for (let row = 0; row < rowCount(x); row += 1)
      for (let o = 0; o < outputs; o += 1) {
        const sum = dot(x, row * inputs, weight, o * inputs, inputs)
        const plus = addend ? at(addend.data, isVector ? o : row * outputs + o) : 0
        y.data[row * outputs + o] = scale * sum + plus
      }
  },

  linearInputBackward([dy, weight, addend], [dx], { scale }) {
    const [outputs, inputs] = [dim(weight, 0), dim(weight, 1)]
    for (let row = 0; row < rowCount(dy); row += 1) {
      const isVector = addend?.shape.length === 1
      if (addend) addScaled(dx, row * inputs, addend, isVector ? 0 : row * inputs, inputs, 1)
      for (let o = 0; o < outputs; o += 1)
        addScaled(dx, row * inputs, weight, o * inputs, inputs, scale * at(dy.data, row * outputs + o))
    }
  },

  linearWeightBackward([dy, x], [dWeight], { scale }) {
    const [outputs, inputs] = [lastDim(dy), lastDim(x)]
    for (let row = 0; row < rowCount(x); row += 1)
      for (let o = 0; o < outputs; o += 1)
        addScaled(dWeight, o * inputs, x, row * inputs, inputs, scale * at(dy.data, row * outputs + o))
  },

  sumLeading([x], [sum]) {
    const width = lastDim(x)
    for (let row = 0; row < rowCount(x); row += 1) addScaled(sum, 0, x, row * width, width, 1)
  },

  adaptedRowNorms([weight, a, b], [norms], { scale, isInputFirst }) {
    const [outputs, inputs, rank] = [dim(b, 0), dim(a, 1), dim(a, 0)]
    const place = (o: number, i: number): number => (isInputFirst ? i * outputs + o : o * inputs + i)
    for (let o = 0; o < outputs; o += 1) {
      let squares = 0
      for (let i = 0; i < inputs; i += 1) {
        let product = 0
        for (let r = 0; r < rank; r += 1) product += at(b.data, o * rank + r) * at(a.data, r * inputs + i)
        squares += (at(weight.data, place(o, i)) + scale * product) ** 2
      }
      norms.data[o] = Math.sqrt(squares)
    }
  },

  weightedSum([x, weights], [y]) {
    const [positions, width] = [dim(x, 1), lastDim(x)]
    for (let place = 0; place < weights.data.length; place += 1) {
      const row = Math.floor(place / positions)
      addScaled(y, row * width, x, place * width, width, at(weights.data, place))
    }
  },

  weightedSumBackward([dy, weights], [dx]) {
    const [positions, width] = [dim(weights, 1), lastDim(dy)]
    for (let place = 0; place < weights.data.length; place += 1) {
      const row = Math.floor(place / positions)
      addScaled(dx, place * width, dy, row * width, width, at(weights.data, place))
    }
  },
} satisfies Partial<Kernels>
