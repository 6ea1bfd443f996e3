// How a run trains: which of a model's weights are trained, and which exist besides. bind-weights.ts wraps linears with
// them, initial-values.ts says how they start.
import type { LinearName } from '#shared/recipe.ts'
import {
  type LinearDescription,
  languageModel,
  type ModelConfig,
  type NamedShape,
  type Task,
} from '../models/config.ts'
import { blockParameters, headShapes, layerLinears, parameterShapes } from '../models/shapes.ts'

/** Low-rank adapters (Hu et al. 2021) on some linears; the model's own weights are frozen, a new head is trained. */
export interface LoraMethod {
  readonly kind: 'lora'
  /** r, the width of the bottleneck */
  readonly rank: number
  readonly alpha: number
  /** Roles of linears; a fused one is adapted where one of its roles is named. */
  readonly targets: readonly LinearName[]
  /** Adapt only the uppermost so many blocks; null, or more than there are, adapts all. */
  readonly topLayers: number | null
  /** The adapter's share is scaled by alpha / r, or by alpha / sqrt(r) (rsLoRA, Kalajdzievski 2023). */
  readonly scaling: 'standard' | 'rank-stabilised'
  /** DoRA (Liu et al. 2024): the size of each row of the adapted weight is a trained number of its own. */
  readonly decomposed: boolean
}

/**
 * Every weight of the model is trained; or, with `topLayers`, only those of the uppermost so many blocks and what stands
 * above them (final norm, head): never the embeddings, not even where they are the output projection too.
 */
export interface FullMethod {
  readonly kind: 'full'
  readonly topLayers: number | null
}

export type MethodSpec =
  | LoraMethod
  | FullMethod
  /** Only the new head of a classification task is trained. */
  | { readonly kind: 'head' }
  /** The model as it is: for scoring a base model. */
  | { readonly kind: 'none' }

/** Factor on (x A^T) B^T. */
export const adapterScale = ({ alpha, rank, scaling }: LoraMethod): number =>
  alpha / (scaling === 'standard' ? rank : Math.sqrt(rank))

/** Which weight of an adapted linear: the two halves of the low-rank product, and DoRA's magnitudes. */
export type AdapterPart = 'A' | 'B' | 'magnitude'

/** PEFT's name of an adapter weight below 'base_model.model.'. */
export function adapterName(path: string, part: AdapterPart): string {
  return part === 'magnitude' ? `${path}.lora_magnitude_vector` : `${path}.lora_${part}.weight`
}

const lowestOf = (config: ModelConfig, topLayers: number | null): number =>
  topLayers === null ? 0 : Math.max(0, config.layers - topLayers)

/**
 * The lowest block whose input must be differentiated or whose weights are trained; blocks below it never change what
 * they give. `config.layers` where only a head is trained.
 */
export function lowestTrainedLayer(config: ModelConfig, method: MethodSpec): number {
  return method.kind === 'lora' || method.kind === 'full' ? lowestOf(config, method.topLayers) : config.layers
}

function isAdapted(
  config: ModelConfig,
  method: LoraMethod,
  layer: number,
  { roles }: LinearDescription,
): boolean {
  return layer >= lowestOf(config, method.topLayers) && roles.some((role) => method.targets.includes(role))
}

/** Weights of the adapter, in the order of the model: A [r,I], B [O,r] and, decomposed, m [O] of every adapted linear. */
export function adapterShapes(config: ModelConfig, method: MethodSpec): readonly NamedShape[] {
  return adaptedLinears(config, method).flatMap(({ path, inputWidth, outputWidth }) => {
    const { rank, decomposed } = method as LoraMethod
    const halves = [
      { name: adapterName(path, 'A'), shape: [rank, inputWidth] },
      { name: adapterName(path, 'B'), shape: [outputWidth, rank] },
    ]
    return decomposed ? [...halves, { name: adapterName(path, 'magnitude'), shape: [outputWidth] }] : halves
  })
}

/** The linears that the method adapts, from the lowest block up. */
export function adaptedLinears(config: ModelConfig, method: MethodSpec): readonly LinearDescription[] {
  if (method.kind !== 'lora') return []
  return Array.from({ length: config.layers }, (_, layer) =>
    layerLinears(config, layer).filter((linear) => isAdapted(config, method, layer, linear)),
  ).flat()
}

const namesOf = (shapes: readonly NamedShape[]): string[] => shapes.map(({ name }) => name)

/**
 * Names of the weights of a block and of what stands above it. Weights are listed in the order of the model, so that is
 * what is listed from its first weight on; but for the norm of an encoder, which is below the decoder's blocks.
 */
function weightsFrom(config: ModelConfig, layer: number, task: Task): readonly string[] {
  const all = namesOf(parameterShapes(config, task))
  const [first] = namesOf(blockParameters(config, layer))
  const isBelow = (name: string): boolean =>
    layer >= config.encoderLayers && config.encoderNorm !== null && name.startsWith(`${config.encoderNorm}.`)
  return all.slice(first === undefined ? all.length : all.indexOf(first)).filter((name) => !isBelow(name))
}

/** Names of the model's own weights that the method trains, those of a new head among them. */
function trainedModelWeights(config: ModelConfig, method: MethodSpec, task: Task): readonly string[] {
  if (method.kind === 'none') return []
  if (method.kind !== 'full') return namesOf(headShapes(config, task))
  if (method.topLayers === null) return namesOf(parameterShapes(config, task))
  return weightsFrom(config, lowestOf(config, method.topLayers), task)
}

export interface MethodShapes {
  /** The model's own, in its order; `isTrained` where the method changes it. */
  readonly model: readonly (NamedShape & { readonly isTrained: boolean })[]
  /** Weights that the method adds; all are trained. */
  readonly adapter: readonly NamedShape[]
}

export function methodShapes(
  config: ModelConfig,
  method: MethodSpec,
  task: Task = languageModel,
): MethodShapes {
  const trained = new Set(trainedModelWeights(config, method, task))
  return {
    model: parameterShapes(config, task).map((shape) => ({ ...shape, isTrained: trained.has(shape.name) })),
    adapter: adapterShapes(config, method),
  }
}

/** Every trained weight, in the order in which optimizer and checkpoints keep them. */
export function trainableShapes(
  config: ModelConfig,
  method: MethodSpec,
  task: Task = languageModel,
): readonly NamedShape[] {
  const { model, adapter } = methodShapes(config, method, task)
  const own = model.filter(({ isTrained }) => isTrained).map(({ name, shape }) => ({ name, shape }))
  return [...own, ...adapter]
}
