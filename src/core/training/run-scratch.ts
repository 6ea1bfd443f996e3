// What operators of the ONNX backend need for themselves while they run, in bytes: one block of queries of an attention,
// and weights made float32 where they are kept in fewer bits. Pure.
import { queriesOfBlock } from '#engine/analysis/attention-blocks.ts'
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
  return (node, sizes) => attentionScratch(node, sizes) + weightBytes(node)
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

/** The vocabulary's table of 8 bits: cast codes, scaled values, and what is held between them (measured: docs/figures.md). */
const tableCopies = { half: 1, int8: 1.3, int4: 2.3, nf4: 1.5 } as const

/**
 * Weights of half precision are cast once for a block, those of fewer bits for one product; the table of the vocabulary
 * once for all of the loss.
 */
function weightScratch(config: ModelConfig, form: WeightForm): (node: OpNode) => number {
  if (form === 'float') return () => 0
  const copies = tableCopies[form]
  const table = 4 * copies * config.vocabulary * config.hidden
  const linears = layerLinears(config, 0).map(({ inputWidth, outputWidth }) => 4 * inputWidth * outputWidth)
  const block = form === 'half' ? linears.reduce((sum, bytes) => sum + bytes, 0) : Math.max(...linears)
  return ({ region, kind }) => {
    if (region.startsWith('loss')) return table
    return kind === 'linear' || kind === 'linearInputBackward' ? block : 0
  }
}

/** The graph that writes sample answers makes the table float once more, beside all others (measured). */
export const sampleScratch = ({ vocabulary, hidden }: ModelConfig, form: WeightForm): number =>
  (form === 'float' ? 0 : form === 'half' ? 1 : 1.8) * 4 * vocabulary * hidden
