// A model compiled to write by our own engine, whatever its kind: one graph that remembers what it read, or a source read
// once and a target written behind it.
import { createDecoding, type Decoding, type DecodingRequest } from '#engine/decode.ts'
import { createTargetDecoding } from '#engine/decode-target.ts'
import {
  type BuiltGraph,
  buildDecodingGraph,
  buildTargetGraphs,
  type MethodSpec,
  type ModelConfig,
  type Session,
  type Tensor,
} from '#engine/index.ts'
import { twoHalvesOf } from '#engine/train/source-target.ts'

export interface EngineWriter {
  /** `trained` are the method's weights as they stand. */
  start(trained: ReadonlyMap<string, Tensor>, request: DecodingRequest): Decoding
  dispose(): Promise<void>
}

/** Throws what `compile` throws; nothing stays open then. */
export async function openEngineWriter(
  config: ModelConfig,
  method: MethodSpec,
  compile: (built: BuiltGraph) => Promise<Session>,
): Promise<EngineWriter> {
  const halves = twoHalvesOf(config)
  if (halves === null) {
    const graph = buildDecodingGraph(config, method)
    const session = await compile(graph)
    return {
      start: (trained, request) => createDecoding(session, graph, trained, request),
      dispose: () => session.dispose(),
    }
  }
  const graphs = buildTargetGraphs(config, method)
  const reading = await compile(graphs.reading)
  const writing = await compile(graphs.writing).catch(async (error: unknown) => {
    await reading.dispose()
    throw error
  })
  return {
    start: (trained, request) => createTargetDecoding({ reading, writing }, halves, trained, request),
    async dispose() {
      await reading.dispose()
      await writing.dispose()
    },
  }
}
