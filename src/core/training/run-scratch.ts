// What operators of the ONNX backend need for themselves while they run, in bytes: one block of queries of an attention,
// and weights made float32 where they are kept in fewer bits. Pure.
import { queriesOfBlock } from '#engine/analysis/attention-blocks.ts'
import { rowsOfSlice } from '#engine/analysis/weight-slices.ts'
import {
  layerLinears,
  type ModelConfig,
  type OpNode,
  type ScratchBytes,
  type SymbolSizes,
  type Value,
} from '#engine/index.ts'

/** How weights lie in their file; all but 'float' are made float32 where they are used. */
export type WeightForm = 'float' | 'half' | 'int8' | 'int4' | 'nf4'

/** Squares of a block alive at once: scores, hidden ones and probabilities; in the backward pass their gradients too. */
const squares = { attention: 3, attentionBackward: 4 } as const

export function scratchOf(config: ModelConfig, form: WeightForm): ScratchBytes {
  const weightBytes = weightScratch(config, form)
  return (node, sizes) => attentionScratch(node, sizes) + weightBytes(node, sizes)
}

function attentionScratch(node: OpNode, sizes: SymbolSizes): number {
  if (node.kind !== 'attention' && node.kind !== 'attentionBackward') return 0
  const { heads, kvHeads, causal } = node.attributes
  const [q, k, , segments] = (node.kind === 'attention' ? node.inputs : node.inputs.slice(3)) as Value[]
  const bytesOf = (value: Value | undefined): number =>
    value!.shape.reduce<number>((n, dim) => n * sizeOf(dim, sizes), 4)
  const all = sizeOf(k!.shape[1]!, sizes)
  const [rows, positions] = [sizeOf(q!.shape[0]!, sizes), sizeOf(q!.shape[1]!, sizes)]
  const queries = queriesOfBlock({ rows, queries: positions, keys: all, heads, kvHeads, causal })
  const keys = segments ? Math.min(all, sizes.get('P')! + queries) : all
  const square = 4 * rows * heads * queries * keys
  // Results come in pieces, which are then joined; keys and values are laid out by heads.
  const pieces = bytesOf(q) + (node.kind === 'attention' ? 2 : 4) * bytesOf(k)
  return squares[node.kind] * square + pieces
}

const sizeOf = (dim: number | string, sizes: SymbolSizes): number =>
  typeof dim === 'number' ? dim : sizes.get(dim)!

/**
 * Weights of half precision are cast once for a block, the table of the vocabulary once for all of the loss. Those of
 * fewer bits are made float32 once for one product, and large ones of 8 bits, the table above all, slice by slice.
 */
function weightScratch(config: ModelConfig, form: WeightForm): ScratchBytes {
  if (form === 'float') return () => 0
  const linears = layerLinears(config, 0).map(({ inputWidth, outputWidth }) => 4 * inputWidth * outputWidth)
  if (form === 'half') {
    const block = linears.reduce((sum, bytes) => sum + bytes, 0)
    const table = tableBytes(config)
    return ({ region, kind }) => (isLoss(region) ? table : isProduct(kind) ? block : 0)
  }
  const largest = Math.max(...linears)
  return (node, sizes) => {
    if (!isProduct(node.kind)) return 0
    if (isLoss(node.region)) return slicedScratch(node, sizes)
    return form === 'int8' ? Math.min(largest, slicedScratch(node, sizes)) : largest
  }
}

const isLoss = (region: string): boolean => region.startsWith('loss')
const isProduct = (kind: OpNode['kind']): boolean => kind === 'linear' || kind === 'linearInputBackward'
const tableBytes = ({ vocabulary, hidden }: ModelConfig): number => 4 * vocabulary * hidden

/** Codes that were cast, and the same with their scales. */
const floatCopies = 2

/** Of a product with a weight in 8 bits: a slice of it, and columns of the other operand or of the result. */
function slicedScratch({ kind, inputs, outputs }: OpNode, sizes: SymbolSizes): number {
  const [x, weight] = inputs as readonly Value[]
  const [rows, width] = weight!.shape.map((dim) => sizeOf(dim, sizes)) as [number, number]
  const slice = rowsOfSlice(rows, width)
  const made = (floatCopies * 4 + 1) * (slice ?? rows) * width
  if (slice === null) return made
  // All columns of a result are there twice while they are joined.
  if (kind === 'linear') return made + elementsOf(outputs[0]!, sizes) * 4
  const columns = (elementsOf(x!, sizes) / rows) * slice
  return made + 4 * (columns + elementsOf(outputs[0]!, sizes))
}

const elementsOf = ({ shape }: Value, sizes: SymbolSizes): number =>
  shape.reduce<number>((product, dim) => product * sizeOf(dim, sizes), 1)

/** The graph that writes sample answers makes the table float once more, beside all others. */
export function sampleScratch(config: ModelConfig, form: WeightForm): number {
  if (form === 'float') return 0
  if (form === 'half') return tableBytes(config)
  const { vocabulary, hidden } = config
  return (floatCopies * 4 + 1) * hidden * (rowsOfSlice(vocabulary, hidden) ?? vocabulary)
}
