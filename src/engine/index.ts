// The engine's public face: a list of re-exports, nothing else.
export { differentiate, gradientOutputName } from './autodiff/differentiate.ts'
export type * from './backend-port.ts'
export type {
  BuiltGraph,
  DecodingGraph,
  MaskKind,
  Remembered,
  ScoringGraphOptions,
  TrainingGraphOptions,
} from './build-graphs.ts'
export {
  buildDecodingGraph,
  buildLogitsGraph,
  buildScoringGraph,
  buildTrainingGraph,
} from './build-graphs.ts'
export { GraphBuilder } from './ir/graph-builder.ts'
export { printGraph } from './ir/print.ts'
export { GraphError } from './ir/type-rules.ts'
export type * from './ir/types.ts'
export { verifyGraph } from './ir/verify.ts'
export type { MethodSpec } from './methods/methods.ts'
export { adapterShapes, initialiseAdapter } from './methods/methods.ts'
export type {
  LinearDescription,
  ModelConfig,
  NamedShape,
  RopeConfig,
  RopeScaling,
} from './models/config.ts'
export { layerLinears, parameterShapes, parseModelConfig } from './models/families.ts'
export { ropeWeights } from './models/rope.ts'
export { counterRandom } from './random.ts'
export type { NumericTensor, Precision } from './reference/interpret.ts'
export { interpret } from './reference/interpret.ts'
export { createReferenceBackend } from './reference/reference-backend.ts'
