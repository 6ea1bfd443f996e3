// One op on tensors large enough that a run's results show in the memory of the process if they stay behind.
import type { Tensor } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'

const shape = [1024, 1024]

function build() {
  const builder = new GraphBuilder()
  const [gate, up] = [
    builder.input('gate', 'float32', ['T', 1024]),
    builder.input('up', 'float32', ['T', 1024]),
  ]
  builder.inRegion('layer.0', () =>
    builder.output(builder.add('gatedActivation', [gate, up], { kind: 'silu' }, 'y')[0]),
  )
  return builder.build()
}

const tensor: Tensor = { dtype: 'float32', shape, data: new Float32Array(1024 * 1024).fill(0.5) }

export const memoryCase = {
  graph: build(),
  feeds: new Map([
    ['gate', tensor],
    ['up', tensor],
  ]),
}
