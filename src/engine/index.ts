// The engine's public face: a list of re-exports, nothing else.
export type { FiguresRequest, GraphFigures } from './analysis/graph-figures.ts'
export { graphFigures } from './analysis/graph-figures.ts'
export type { LiveMemory, ScratchBytes, SymbolSizes } from './analysis/live-memory.ts'
export { liveMemory } from './analysis/live-memory.ts'
export { differentiate, gradientOutputName } from './autodiff/differentiate.ts'
export type * from './backend-port.ts'
export type { BodyOptions } from './graphs/body-graph.ts'
export type { BuiltGraph } from './graphs/built-graph.ts'
export type { DecodingGraph, PastMask, Remembered } from './graphs/decoding-graph.ts'
export { buildDecodingGraph } from './graphs/decoding-graph.ts'
export type { Pooling } from './graphs/pooling.ts'
export { normaliseRows, poolingFeed } from './graphs/pooling.ts'
export type { ScoringGraphOptions } from './graphs/scoring-graphs.ts'
export {
  buildEmbeddingGraph,
  buildLogitsGraph,
  buildPrefixGraph,
  buildScoringGraph,
} from './graphs/scoring-graphs.ts'
export type { TargetGraphs } from './graphs/target-graphs.ts'
export { buildTargetGraphs } from './graphs/target-graphs.ts'
export type { TrainingGraphOptions } from './graphs/training-graph.ts'
export { buildTrainingGraph } from './graphs/training-graph.ts'
export { GraphBuilder } from './ir/graph-builder.ts'
export { printGraph } from './ir/print.ts'
export { GraphError } from './ir/type-rules.ts'
export type * from './ir/types.ts'
export { verifyGraph } from './ir/verify.ts'
export type { InitialValuesRequest, ReadWeight } from './methods/initial-values.ts'
export { initialValues } from './methods/initial-values.ts'
export type { FullMethod, LoraMethod, MethodSpec } from './methods/methods.ts'
export { adaptedLinears, adapterShapes, lowestTrainedLayer, trainableShapes } from './methods/methods.ts'
export type {
  LinearDescription,
  ModelConfig,
  NamedShape,
  RopeScaling,
  RopeTable,
  Task,
} from './models/config.ts'
export { languageModel } from './models/config.ts'
export { mayHoldBesides, parseModelConfig } from './models/families.ts'
export { ropeWeights } from './models/rope.ts'
export {
  headNamesInClass,
  headShapes,
  layerLinears,
  nameInClass,
  optionalShapes,
  parameterShapes,
} from './models/shapes.ts'
export { parameterCount } from './models/sizes.ts'
export { memoryBytes as optimizerBytes } from './optim/optimizer.ts'
export { counterRandom } from './random.ts'
export type { NumericTensor, Precision } from './reference/interpret.ts'
export { interpret } from './reference/interpret.ts'
export { createReferenceBackend } from './reference/reference-backend.ts'
export { chooseLossChunks } from './train/loss-chunks.ts'
