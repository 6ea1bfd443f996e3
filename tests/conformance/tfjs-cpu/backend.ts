// TensorFlow.js's CPU back end behind the Backend port, for the conformance suite: our lowered graph walked node by node,
// every operator by a kernel of tfjs. Another runtime's arithmetic in pure JavaScript; nobody trains with it.
import { tidy, version_core } from '@tensorflow/tfjs-core'
import { bindSizes, checkPositions } from '#backends/feeds.ts'
import { lowerGraph } from '#backends/tensorflow/lower.ts'
import { bindFrozen, computationFailed } from '#backends/weight-files.ts'
import type { Backend, CompileOptions, Session, Tensor } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'
import { attemptAsync } from '#shared/result.ts'
import { runNodes } from '../../backends/tensorflow/run-nodes.ts'
import { beyondTfjs, tfjsKernels } from './kernels.ts'

/** Float32, weights in memory, parameters moved on the host: what else is asked for is a Problem (left-out.ts). */
export const tfjsCpu: Backend = {
  name: `tfjs cpu ${version_core}`,
  determinism: 'bit-exact on this machine',
  compile: (graph, options) => attemptAsync(() => compile(graph, options)),
}

async function compile(graph: Graph, { weights, resident }: CompileOptions): Promise<Session> {
  const lowered = lowerGraph(graph, { weights, products: 'float32', resident })
  const beyond = beyondTfjs(lowered.nodes)
  if (beyond.length > 0)
    throw computationFailed(
      'TensorFlow.js cannot compute this.',
      'preparing the model',
      `It has nothing for ${beyond.join(', ')}.`,
    )
  const { held, known } = await bindFrozen(graph, weights)
  const trainable = graph.parameters.filter(({ isTrainable }) => isTrainable).map(({ value }) => value)
  let isDisposed = false
  return {
    async run(feeds) {
      if (isDisposed) throw new Error('This session was disposed of.')
      const sizes = bindSizes([...graph.inputs, ...trainable], known, feeds)
      checkPositions(graph, sizes, feeds)
      return withoutLeftovers(() => runNodes(graph, lowered, new Map([...feeds, ...held]), tfjsKernels))
    },
    async dispose() {
      isDisposed = true
    },
  }
}

/** Everything of the runtime's that `work` makes is given back. */
function withoutLeftovers(work: () => ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  let results: ReadonlyMap<string, Tensor> = new Map()
  tidy(() => {
    results = work()
  })
  return results
}
