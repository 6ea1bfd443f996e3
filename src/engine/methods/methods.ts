// How a run trains: which weights exist besides the model's, which are trainable, and how linears are wrapped.
import type { LinearName } from '#shared/recipe.ts'
import type { GraphBuilder } from '../ir/graph-builder.ts'
import type { Value } from '../ir/types.ts'
import { blockName, type LinearDescription, type ModelConfig, type NamedShape } from '../models/config.ts'
import { layerLinears, parameterShapes } from '../models/families.ts'
import type { BoundWeights } from '../models/forward.ts'
import { counterRandom } from '../random.ts'

export type MethodSpec =
  /** Low-rank adapters (Hu et al. 2021) on some linears; the model's own weights are frozen. */
  | {
      readonly kind: 'lora'
      /** r, the width of the bottleneck */
      readonly rank: number
      /** The adapter's share is scaled by alpha / rank. */
      readonly alpha: number
      readonly targets: readonly LinearName[]
      /** Adapt only the uppermost so many blocks; null, or more than there are, adapts all. */
      readonly topLayers: number | null
    }
  /** Every weight of the model is trained. */
  | { readonly kind: 'full' }
  /** The model as it is: for scoring a base model. */
  | { readonly kind: 'none' }

type Lora = Extract<MethodSpec, { kind: 'lora' }>

const adapterName = (layer: number, path: string, half: 'A' | 'B'): string =>
  blockName(layer, `${path}.lora_${half}.weight`)

function isAdapted(config: ModelConfig, method: Lora, layer: number, linear: LinearDescription): boolean {
  const firstLayer = method.topLayers === null ? 0 : config.layers - method.topLayers
  return layer >= firstLayer && method.targets.includes(linear.name)
}

/** Weights of the adapter: A [r,I] and B [O,r] of every adapted linear, in the order of the model. */
export function adapterShapes(config: ModelConfig, method: MethodSpec): readonly NamedShape[] {
  if (method.kind !== 'lora') return []
  const shapes: NamedShape[] = []
  for (let layer = 0; layer < config.layers; layer += 1)
    for (const linear of layerLinears(config)) {
      if (!isAdapted(config, method, layer, linear)) continue
      const { path, inputWidth, outputWidth } = linear
      shapes.push(
        { name: adapterName(layer, path, 'A'), shape: [method.rank, inputWidth] },
        { name: adapterName(layer, path, 'B'), shape: [outputWidth, method.rank] },
      )
    }
  return shapes
}

/**
 * First values of an adapter: A uniform in [-1/sqrt(I), 1/sqrt(I)), as PEFT's kaiming_uniform(a = sqrt 5); B zero, so
 * that training starts from the model as it is. A pure function of seed and name.
 */
export function initialiseAdapter(
  shapes: readonly NamedShape[],
  seed: number,
): ReadonlyMap<string, Float32Array> {
  const values = new Map<string, Float32Array>()
  for (const { name, shape } of shapes) {
    const [rows, columns] = shape
    if (rows === undefined || columns === undefined || shape.length !== 2)
      throw new Error(`${name}: an adapter weight has two dimensions`)
    const data = new Float32Array(rows * columns)
    if (name.endsWith('.lora_A.weight')) {
      const random = counterRandom(seed, `adapter ${name}`)
      const bound = 1 / Math.sqrt(columns)
      for (let i = 0; i < data.length; i += 1) data[i] = (2 * random(i) - 1) * bound
    }
    values.set(name, data)
  }
  return values
}

/** Declares every weight of model and method in the graph, and wraps linears as the method wants. */
export function bindWeights(builder: GraphBuilder, config: ModelConfig, method: MethodSpec): BoundWeights {
  const values = new Map<string, Value>()
  const declare = (shapes: readonly NamedShape[], isTrainable: boolean): void => {
    for (const { name, shape } of shapes) values.set(name, builder.parameter(name, shape, isTrainable))
  }
  declare(parameterShapes(config), method.kind === 'full')
  declare(adapterShapes(config, method), true)
  const weight = (name: string): Value => {
    const value = values.get(name)
    if (!value) throw new Error(`the model has no weight ${name}`)
    return value
  }
  return {
    weight,
    project(layer, linear, x, addend) {
      const name = `layer.${layer}.${linear.name}`
      const base = weight(blockName(layer, `${linear.path}.weight`))
      const bias = linear.hasBias ? weight(blockName(layer, `${linear.path}.bias`)) : null
      const plain = (last: string): Value => {
        const [y] = builder.add('linear', [x, base, bias ?? addend], { scale: 1 }, last)
        return bias && addend ? builder.add('add', [y, addend], {}, `${last}.sum`)[0] : y
      }
      if (method.kind !== 'lora' || !isAdapted(config, method, layer, linear)) return plain(name)
      // y = (alpha/r) (x A^T) B^T + (x W^T + bias + addend)
      const a = weight(adapterName(layer, linear.path, 'A'))
      const b = weight(adapterName(layer, linear.path, 'B'))
      const [bottleneck] = builder.add('linear', [x, a, null], { scale: 1 }, `${name}.lora`)
      const scale = method.alpha / method.rank
      return builder.add('linear', [bottleneck, b, plain(`${name}.base`)], { scale }, name)[0]
    },
  }
}
