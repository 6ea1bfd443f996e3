// The vocabulary of GGUF (ggml's docs/gguf.md): metadata values, tensor types with their block sizes. No logic.

/** Metadata value types; the index is the number in the file. */
export const ggufValueTypes = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const
export type GgufValueType = (typeof ggufValueTypes)[number]
export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'
export type GgufBigType = 'u64' | 'i64'

export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: GgufBigType; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | GgufArray

export type GgufArray =
  | { readonly type: 'array'; readonly itemType: 'string'; readonly items: readonly string[] }
  | { readonly type: 'array'; readonly itemType: 'bool'; readonly items: readonly boolean[] }
  | { readonly type: 'array'; readonly itemType: GgufNumberType; readonly items: ArrayLike<number> }
  | { readonly type: 'array'; readonly itemType: 'u64'; readonly items: ArrayLike<bigint> }
  | { readonly type: 'array'; readonly itemType: 'i64'; readonly items: ArrayLike<bigint> }

export interface GgufTensorType {
  readonly id: number
  /** Elements of one block; rows are whole blocks. */
  readonly blockElements: number
  readonly blockBytes: number
}

/** Every tensor type that current ggml reads: enough to know sizes. Which of them can be dequantised is another matter. */
export const ggufTensorTypes = {
  F32: { id: 0, blockElements: 1, blockBytes: 4 },
  F16: { id: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockElements: 32, blockBytes: 18 },
  Q4_1: { id: 3, blockElements: 32, blockBytes: 20 },
  Q5_0: { id: 6, blockElements: 32, blockBytes: 22 },
  Q5_1: { id: 7, blockElements: 32, blockBytes: 24 },
  Q8_0: { id: 8, blockElements: 32, blockBytes: 34 },
  Q8_1: { id: 9, blockElements: 32, blockBytes: 36 },
  Q2_K: { id: 10, blockElements: 256, blockBytes: 84 },
  Q3_K: { id: 11, blockElements: 256, blockBytes: 110 },
  Q4_K: { id: 12, blockElements: 256, blockBytes: 144 },
  Q5_K: { id: 13, blockElements: 256, blockBytes: 176 },
  Q6_K: { id: 14, blockElements: 256, blockBytes: 210 },
  Q8_K: { id: 15, blockElements: 256, blockBytes: 292 },
  IQ2_XXS: { id: 16, blockElements: 256, blockBytes: 66 },
  IQ2_XS: { id: 17, blockElements: 256, blockBytes: 74 },
  IQ3_XXS: { id: 18, blockElements: 256, blockBytes: 98 },
  IQ1_S: { id: 19, blockElements: 256, blockBytes: 50 },
  IQ4_NL: { id: 20, blockElements: 32, blockBytes: 18 },
  IQ3_S: { id: 21, blockElements: 256, blockBytes: 110 },
  IQ2_S: { id: 22, blockElements: 256, blockBytes: 82 },
  IQ4_XS: { id: 23, blockElements: 256, blockBytes: 136 },
  I8: { id: 24, blockElements: 1, blockBytes: 1 },
  I16: { id: 25, blockElements: 1, blockBytes: 2 },
  I32: { id: 26, blockElements: 1, blockBytes: 4 },
  I64: { id: 27, blockElements: 1, blockBytes: 8 },
  F64: { id: 28, blockElements: 1, blockBytes: 8 },
  IQ1_M: { id: 29, blockElements: 256, blockBytes: 56 },
  BF16: { id: 30, blockElements: 1, blockBytes: 2 },
  TQ1_0: { id: 34, blockElements: 256, blockBytes: 54 },
  TQ2_0: { id: 35, blockElements: 256, blockBytes: 66 },
  MXFP4: { id: 39, blockElements: 32, blockBytes: 17 },
} as const satisfies Record<string, GgufTensorType>

export type GgufTensorTypeName = keyof typeof ggufTensorTypes

export interface GgufTensor {
  readonly type: GgufTensorTypeName
  /** As in the file: the fastest-varying dimension first ("ne" order), the reverse of Hugging Face's. */
  readonly shape: readonly number[]
  /** From the beginning of the file. */
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export interface GgufFile {
  readonly version: 2 | 3
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}
