// The vocabulary of safetensors: element types and what a header says of a tensor. Types and sizes only.

/** Bytes of one element. Sub-byte and exotic types of the format are refused. */
export const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const

export type SafetensorsDtype = keyof typeof dtypeBytes

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** From the beginning of the file. */
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export interface SafetensorsFile {
  /** In the order in which the data lies in the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>
  readonly metadata: ReadonlyMap<string, string>
}
