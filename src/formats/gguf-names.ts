// The two names of every tensor of a Llama model, and the row order in which llama.cpp keeps queries and keys.

/** GGUF name within `blk.N.` to Hugging Face name within `model.layers.N.`. */
const layerNames: readonly (readonly [gguf: string, huggingFace: string])[] = [
  ['attn_norm.weight', 'input_layernorm.weight'],
  ['attn_q.weight', 'self_attn.q_proj.weight'],
  ['attn_k.weight', 'self_attn.k_proj.weight'],
  ['attn_v.weight', 'self_attn.v_proj.weight'],
  ['attn_output.weight', 'self_attn.o_proj.weight'],
  ['attn_q.bias', 'self_attn.q_proj.bias'],
  ['attn_k.bias', 'self_attn.k_proj.bias'],
  ['attn_v.bias', 'self_attn.v_proj.bias'],
  ['attn_output.bias', 'self_attn.o_proj.bias'],
  ['ffn_norm.weight', 'post_attention_layernorm.weight'],
  ['ffn_gate.weight', 'mlp.gate_proj.weight'],
  ['ffn_up.weight', 'mlp.up_proj.weight'],
  ['ffn_down.weight', 'mlp.down_proj.weight'],
  ['ffn_gate.bias', 'mlp.gate_proj.bias'],
  ['ffn_up.bias', 'mlp.up_proj.bias'],
  ['ffn_down.bias', 'mlp.down_proj.bias'],
]
const modelNames: readonly (readonly [gguf: string, huggingFace: string])[] = [
  ['token_embd.weight', 'model.embed_tokens.weight'],
  ['output_norm.weight', 'model.norm.weight'],
  ['output.weight', 'lm_head.weight'],
]
const layerToHuggingFace = new Map(layerNames)
const layerToGguf = new Map(layerNames.map(([gguf, huggingFace]) => [huggingFace, gguf]))
const modelToHuggingFace = new Map(modelNames)
const modelToGguf = new Map(modelNames.map(([gguf, huggingFace]) => [huggingFace, gguf]))

/** "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"; null for a name that Llama models do not have. */
export function huggingFaceNameOf(ggufName: string): string | null {
  const [, layer, rest] = /^blk\.(0|[1-9][0-9]{0,4})\.(.+)$/.exec(ggufName) ?? []
  if (rest === undefined) return modelToHuggingFace.get(ggufName) ?? null
  const name = layerToHuggingFace.get(rest)
  return name === undefined ? null : `model.layers.${layer}.${name}`
}

/** The reverse of `huggingFaceNameOf`. */
export function ggufNameOf(huggingFaceName: string): string | null {
  const [, layer, rest] = /^model\.layers\.(0|[1-9][0-9]{0,4})\.(.+)$/.exec(huggingFaceName) ?? []
  if (rest === undefined) return modelToGguf.get(huggingFaceName) ?? null
  const name = layerToGguf.get(rest)
  return name === undefined ? null : `blk.${layer}.${name}`
}

/** How many heads' rows of this tensor (GGUF name) llama.cpp permutes: query heads, key heads, or 0 for none. */
export function permutedHeads(ggufName: string, queryHeads: number, keyHeads: number): number {
  if (/\.attn_q\.(weight|bias)$/.test(ggufName)) return queryHeads
  if (/\.attn_k\.(weight|bias)$/.test(ggufName)) return keyHeads
  return 0
}

/**
 * Rows of queries and keys, [heads * D, width], from Hugging Face's order (rotation pairs i and i + D/2) to llama.cpp's
 * (pairs 2i and 2i + 1): head h, half s, index i moves from row hD + sD/2 + i to row hD + 2i + s. `back` reverses it.
 */
export function permuteHeads(
  values: Float32Array,
  heads: number,
  width: number,
  direction: 'to llama.cpp' | 'back',
): Float32Array<ArrayBuffer> {
  const headDim = values.length / width / heads
  const half = headDim / 2
  const result = new Float32Array(values.length)
  for (let head = 0; head < heads; head += 1)
    for (let s = 0; s < 2; s += 1)
      for (let i = 0; i < half; i += 1) {
        const huggingFaceRow = head * headDim + s * half + i
        const ggufRow = head * headDim + 2 * i + s
        const [from, to] = direction === 'back' ? [ggufRow, huggingFaceRow] : [huggingFaceRow, ggufRow]
        result.set(values.subarray(from * width, (from + 1) * width), to * width)
      }
  return result
}
