// Our cross-entropy in a graph of TensorFlow's, where an operator may be given the memory of its input.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataTypes, encodeSavedModel, float, type TfNode, type } from '#backends/tensorflow/graph-def.ts'
import type { CrossEntropyCase, scoresOf } from './cross-entropy-case.ts'
import { load } from './run-operator.ts'
import { gives } from './terms.ts'

const nodeOf = (
  name: string,
  operator: string,
  inputs: readonly string[],
  attributes: TfNode['attributes'],
) => ({
  ...{ name, operator, inputs, attributes, controls: [], device: null },
})

/** The results are losses, gradients and gradients in bfloat16, then what else is asked for. */
export async function crossEntropyInGraph(
  { logits, targets, weights }: ReturnType<typeof scoresOf>,
  { smoothing = 0 }: CrossEntropyCase,
  alsoFetched: readonly string[],
): Promise<readonly Float32Array[]> {
  const [float32, int32] = [type('float32'), type('int32')]
  const attributes = { ...gives(true, true), smoothing: float(smoothing) }
  const nodes: readonly TfNode[] = [
    nodeOf('scores', 'Placeholder', [], { dtype: float32 }),
    nodeOf('targets', 'Placeholder', [], { dtype: int32 }),
    nodeOf('weights', 'Placeholder', [], { dtype: float32 }),
    // Made by the graph, so that nobody but it holds them.
    nodeOf('zeros', 'ZerosLike', ['scores'], { T: float32 }),
    nodeOf('logits', 'AddV2', ['scores', 'zeros'], { T: float32 }),
    nodeOf('loss', 'TunewrightCrossEntropy', ['logits', 'targets', 'weights'], attributes),
    nodeOf('half', 'Cast', ['loss:2'], { SrcT: type('bfloat16'), DstT: float32 }),
  ]
  const library = load(2)
  const folder = await mkdtemp(join(tmpdir(), 'tunewright-graph-'))
  try {
    await writeFile(join(folder, 'saved_model.pb'), encodeSavedModel(nodes))
    const model = library.loadSavedModel(folder, 'serve')
    const ids = [logits, targets, weights].map(({ shape, data }) =>
      library.createTensor([...shape], dataTypes[data instanceof Float32Array ? 'float32' : 'int32'], data),
    )
    const fetched = ['loss', 'loss:1', 'half', ...alsoFetched].join()
    const results = library.runSavedModel(model, ids, 'scores,targets,weights', fetched)
    const numbers = results.map(({ id }) => Float32Array.from(library.tensorDataSync(id) as Float32Array))
    for (const id of [...ids, ...results.map(({ id: each }) => each)]) library.deleteTensor(id)
    library.deleteSavedModel(model)
    return numbers
  } finally {
    await rm(folder, { recursive: true })
  }
}
