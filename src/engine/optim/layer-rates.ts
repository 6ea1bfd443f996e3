// Layer-wise learning-rate decay (Howard & Ruder 2018; Clark et al. 2020): blocks further from the output learn slower.

/**
 * A factor on the learning rate for each trained tensor, from Hugging Face's names in the order of the model:
 * decay^(blocks above it), so 1 for the topmost block and what follows it (last norm, head), and once more decay below
 * the lowest block, for embeddings. Blocks are counted from the topmost one down to the lowest that is trained; the
 * blocks of an encoder lie below those of its decoder. Without any block all are 1.
 */
export function layerRates(names: readonly string[], decay: number): readonly number[] {
  const blocks: string[] = []
  for (const block of names.map(blockOf)) if (block !== null && !blocks.includes(block)) blocks.push(block)
  const lastNumbered = names.findLastIndex((name) => blockOf(name) !== null)
  let depth = -1
  return names.map((name, index) => {
    const block = blockOf(name)
    if (block !== null) depth = blocks.indexOf(block)
    const above = index > lastNumbered ? 0 : blocks.length - 1 - depth
    return decay ** above
  })
}

/** 'model.layers.3' of 'model.layers.3.self_attn.q_proj.weight'; null for what lies in no block. */
const blockOf = (name: string): string | null => /^.*?\.\d+(?=\.)/.exec(name)?.[0] ?? null
