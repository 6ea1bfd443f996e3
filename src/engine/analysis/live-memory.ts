// How much memory a graph's values take while it runs, counted node by node without running it: what a plan says before a
// run, and what tells a backend's waste from what is needed. It knows shapes only, no backend.
import { operandsOf } from '../ir/rewrite.ts'
import type { Dim, Graph, OpKind, OpNode, Value } from '../ir/types.ts'

/** Results that are their first operand seen in another shape or at another time: no memory of their own. */
const views: ReadonlySet<OpKind> = new Set<OpKind>(['tie', 'splitLast', 'mergeLast'])

/** Ops whose first result may take the place of an operand of the same size that nobody needs afterwards. */
const inPlace: ReadonlySet<OpKind> = new Set<OpKind>([
  'add',
  'multiply',
  'scale',
  'softCap',
  'softCapBackward',
  'activation',
  'activationBackward',
  'gatedActivation',
  'multiplyColumns',
  'multiplyRows',
  'softmaxCrossEntropy',
])

export type SymbolSizes = ReadonlyMap<string, number>

/** What a node needs for itself while it runs. */
export type ScratchBytes = (node: OpNode, sizes: SymbolSizes) => number

export interface LiveMemory {
  /** Most bytes of computed values alive at once; feeds and weights are not among them. */
  readonly peakBytes: number
  /** Where that is: the node's region. */
  readonly peakRegion: string
  /** The same for each region. */
  readonly regionPeaks: ReadonlyMap<string, number>
  /** Bytes of the results, which are alive at the end. */
  readonly outputBytes: number
}

const bytesOf = (value: Value, sizes: SymbolSizes): number => {
  const sizeOf = (dim: Dim): number => {
    const size = typeof dim === 'number' ? dim : sizes.get(dim)
    if (size === undefined) throw new Error(`nothing gives the size of ${dim}`)
    return size
  }
  const each = value.dtype === 'int64' ? 8 : 4
  return value.shape.reduce((product: number, dim) => product * sizeOf(dim), each)
}

/** The value whose memory a view shows. */
function storesOf(graph: Graph): (value: Value) => Value {
  const shown = new Map<number, Value>()
  const storeOf = (value: Value): Value => {
    const below = shown.get(value.id)
    return below === undefined ? value : below
  }
  for (const node of graph.nodes)
    if (views.has(node.kind)) shown.set(node.outputs[0].id, storeOf(node.inputs[0] as Value))
  return storeOf
}

/** For each node the stores that nothing after it reads. */
function endedAfter(graph: Graph, storeOf: (value: Value) => Value): readonly (readonly Value[])[] {
  const needed = new Set(graph.outputs.map((value) => storeOf(value).id))
  const ended = graph.nodes.toReversed().map((node) => {
    const here: Value[] = []
    for (const value of [...operandsOf(node), ...(node.outputs as readonly Value[])].map(storeOf)) {
      if (needed.has(value.id)) continue
      needed.add(value.id)
      here.push(value)
    }
    return here
  })
  return ended.reverse()
}

/**
 * `sizes` gives every symbol of the graph. `scratchBytes` is what a node needs for itself while it runs (an attention
 * block's scores, a weight made float again).
 */
export function liveMemory(
  graph: Graph,
  sizes: SymbolSizes,
  scratchBytes: ScratchBytes = () => 0,
): LiveMemory {
  const storeOf = storesOf(graph)
  const ended = endedAfter(graph, storeOf)
  const alive = new Map<number, number>()
  let bytes = 0
  const regionPeaks = new Map<string, number>()
  for (const [index, node] of graph.nodes.entries()) {
    const ending = ended[index]!
    if (!views.has(node.kind)) {
      const place = inPlace.has(node.kind) ? replaced(node, ending, alive, sizes) : null
      for (const value of node.outputs as readonly Value[]) {
        const size = value === node.outputs[0] && place !== null ? 0 : bytesOf(value, sizes)
        alive.set(value.id, size)
        bytes += size
      }
      if (place !== null) {
        alive.set(node.outputs[0].id, alive.get(place.id)!)
        alive.delete(place.id)
      }
    }
    const here = bytes + scratchBytes(node, sizes)
    regionPeaks.set(node.region, Math.max(here, regionPeaks.get(node.region) ?? 0))
    for (const { id } of ending) {
      bytes -= alive.get(id) ?? 0
      alive.delete(id)
    }
  }
  const outputBytes = graph.outputs.reduce((sum, value) => sum + bytesOf(value, sizes), 0)
  const [peakRegion, peakBytes] = [...regionPeaks].reduce(
    (most, each) => (each[1] > most[1] ? each : most),
    ['', 0],
  )
  return { peakBytes, peakRegion, regionPeaks, outputBytes }
}

/** An operand that ends here, has memory of its own, and is of the result's size. */
function replaced(
  node: OpNode,
  ending: readonly Value[],
  alive: ReadonlyMap<number, number>,
  sizes: SymbolSizes,
): Value | null {
  const size = bytesOf(node.outputs[0], sizes)
  return ending.find((value) => value.id !== node.outputs[0].id && alive.get(value.id) === size) ?? null
}
