// What running a graph of a model takes: memory, matrix products, nodes. A plan must know it at once, so for a deep model
// it is worked out from two or three shallow ones: blocks are alike, and every figure grows evenly with their number.
import type { BuiltGraph } from '../graphs/built-graph.ts'
import { lowestTrainedLayer, type MethodSpec } from '../methods/methods.ts'
import type { ModelConfig } from '../models/config.ts'
import { graphFlops } from './graph-flops.ts'
import { liveMemory, type ScratchBytes, type SymbolSizes } from './live-memory.ts'

export interface GraphFigures {
  readonly nodes: number
  /** Floating-point operations of its matrix products. */
  readonly flops: number
  /** Most bytes of computed values alive at once, results among them. */
  readonly peakBytes: number
  readonly outputBytes: number
  /** Most that a single node needs for itself while it runs. */
  readonly scratchBytes: number
}

export interface FiguresRequest {
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly build: (config: ModelConfig, method: MethodSpec) => BuiltGraph
  readonly sizes: SymbolSizes
  readonly scratchBytes?: ScratchBytes
}

/** Blocks that the gradient does not reach, and those above them. */
interface Depth {
  readonly frozen: number
  readonly trained: number
}

/** Numbers by name; of memory one for each place that is no other's like. */
type Figures = ReadonlyMap<string, number>

/** Fewest blocks in which every kind of place occurs: the lowest trained, one between, the topmost. */
const shallow: Depth = { frozen: 1, trained: 3 }

export function graphFigures(request: FiguresRequest): GraphFigures {
  const { config, method } = request
  const lowest = lowestTrainedLayer(config, method)
  const depth = { frozen: lowest, trained: config.layers - lowest }
  if (!areBlocksAlike(config)) return summarise(measure(request, depth))
  const base = {
    frozen: Math.min(depth.frozen, shallow.frozen),
    trained: Math.min(depth.trained, shallow.trained),
  }
  const figures = measure(request, base)
  const deeper = [
    { more: depth.frozen - base.frozen, depth: { ...base, frozen: base.frozen + 1 } },
    { more: depth.trained - base.trained, depth: { ...base, trained: base.trained + 1 } },
  ].flatMap(({ more, depth: one }) => (more === 0 ? [] : [{ more, figures: measure(request, one) }]))
  const grown = [...figures].map(([name, value]): [string, number] => [
    name,
    deeper.reduce((sum, { more, figures: of }) => sum + more * ((of.get(name) ?? value) - value), value),
  ])
  return summarise(new Map(grown))
}

function areBlocksAlike({ kind, blocks }: ModelConfig): boolean {
  const forms = new Set(blocks.map(({ form }) => JSON.stringify(form)))
  return kind !== 'sequence-to-sequence' && forms.size === 1
}

/** The figures of the same model with fewer blocks, its topmost ones. */
function measure({ config, method, build, sizes, scratchBytes }: FiguresRequest, depth: Depth): Figures {
  const layers = depth.frozen + depth.trained
  const short = { ...config, layers, blocks: config.blocks.slice(config.layers - layers) }
  const isPart = 'topLayers' in method && method.topLayers !== null
  const { graph } = build(short, isPart ? { ...method, topLayers: depth.trained } : method)
  const { regionPeaks, outputBytes } = liveMemory(graph, sizes, scratchBytes)
  const figures = new Map([
    ['nodes', graph.nodes.length],
    ['flops', graphFlops(graph, sizes)],
    ['outputBytes', outputBytes],
    ['scratchBytes', graph.nodes.reduce((most, node) => Math.max(most, scratchBytes?.(node, sizes) ?? 0), 0)],
  ])
  for (const [region, bytes] of regionPeaks) {
    const name = `peak ${placeOf(region, depth)}`
    figures.set(name, Math.max(bytes, figures.get(name) ?? 0))
  }
  return figures
}

function placeOf(region: string, { frozen, trained }: Depth): string {
  const layer = /^layer\.(\d+)(.*)$/.exec(region)
  if (layer === null) return region
  const [, index, pass] = layer
  const fromLowest = Number(index) - frozen
  const place = fromLowest < 0 ? 'frozen' : fromLowest === 0 ? 'lowest' : 'between'
  return `${fromLowest === trained - 1 ? 'topmost' : place}${pass}`
}

const summarise = (figures: Figures): GraphFigures => ({
  nodes: figures.get('nodes')!,
  flops: figures.get('flops')!,
  outputBytes: figures.get('outputBytes')!,
  scratchBytes: figures.get('scratchBytes')!,
  peakBytes: [...figures].reduce(
    (most, [name, v]) => (name.startsWith('peak ') ? Math.max(most, v) : most),
    0,
  ),
})
