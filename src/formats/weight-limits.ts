// What a weight file may contain at most. One table; each refusal names the limit it met.
const mebibyte = 1024 * 1024

export const weightLimits = {
  safetensorsHeaderBytes: 16 * mebibyte,
  /** A GGUF header carries the vocabulary: 262,144 tokens with merges need about 20 MiB. */
  ggufHeaderBytes: 64 * mebibyte,
  shardIndexBytes: 16 * mebibyte,
  stringBytes: 16 * mebibyte,
  arrayItems: 16 * mebibyte,
  tensors: 200_000,
  metadataKeys: 65_536,
  safetensorsRank: 8,
  ggufRank: 4,
  nameBytes: 512,
  jsonDepth: 64,
  /** Tensor data is read in pieces of this size; a header or one text in it is read whole, up to its own limit. */
  readBytes: 4 * mebibyte,
} as const
