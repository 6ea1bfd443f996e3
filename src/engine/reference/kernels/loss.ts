// From hidden states to losses, by their definitions: labelled rows, cross-entropy.
import { addScaled, at, fill, increase, indexAt, type Kernels, lastDim, rowCount, softmax } from './dense.ts'

export const lossKernels = {
  gatherRows([x, rows], [y]) {
    const width = lastDim(x)
    for (let i = 0; i < rows.data.length; i += 1)
      addScaled(y, i * width, x, indexAt(rows, i, rowCount(x), 'row') * width, width, 1)
  },

  gatherRowsBackward([dy, rows], [dx]) {
    const width = lastDim(dx)
    const places = dx.data.length / Math.max(1, width)
    for (let i = 0; i < rows.data.length; i += 1)
      addScaled(dx, indexAt(rows, i, places, 'row') * width, dy, i * width, width, 1)
  },

  // With q the smoothed target: loss = log sum exp x - sum q x, dx = softmax(x) - q
  softmaxCrossEntropy([logits, targets, weights], [losses, dLogits], { smoothing }) {
    const width = lastDim(logits)
    for (let row = 0; row < targets.data.length; row += 1) {
      const start = row * width
      const scores = logits.data.subarray(start, start + width)
      const target = indexAt(targets, row, width, 'target')
      const weight = at(weights.data, row)
      const logSum = softmax(scores, dLogits.data, start)
      let mean = 0
      for (const score of scores) mean += score / width
      losses.data[row] = weight * (logSum - (1 - smoothing) * at(scores, target) - smoothing * mean)
      increase(dLogits.data, start + target, smoothing - 1)
      for (let i = start; i < start + width; i += 1)
        dLogits.data[i] = weight * (at(dLogits.data, i) - smoothing / width)
    }
  },

  multiplyRows([x, factors], [y]) {
    const width = lastDim(x)
    fill(y, (i) => at(x.data, i) * at(factors.data, Math.floor(i / width)))
  },
} satisfies Partial<Kernels>
