// GGUF files written by hand, so that every field can lie. Well-formed by default: one text, one tensor of 64 floats.

import type { GgufFile, GgufValue } from '#formats/gguf-types.ts'
import { ggufChunks } from '#formats/gguf-writer.ts'
import { GrowingBytes } from '#formats/growing-bytes.ts'

export type Write = (out: GrowingBytes) => void

export interface HandwrittenGguf {
  readonly magic?: number
  readonly version?: number
  readonly tensorCount?: bigint
  readonly entryCount?: bigint
  readonly entries?: readonly Write[]
  readonly tensors?: readonly Write[]
  /** Bytes after the header's padding. */
  readonly dataBytes?: number
  readonly alignment?: number
}

export const textEntry =
  (key: string, value: string): Write =>
  (out) => {
    out.text(key)
    out.u32(8)
    out.text(value)
  }

export const numberEntry =
  (key: string, value: number): Write =>
  (out) => {
    out.text(key)
    out.u32(4)
    out.u32(value)
  }

/** Any value: its type's number and the bytes that follow. */
export const rawEntry =
  (key: string, type: number, write: Write): Write =>
  (out) => {
    out.text(key)
    out.u32(type)
    write(out)
  }

export const tensorInfo =
  (name: string, shape: readonly (number | bigint)[], type = 0, offset: number | bigint = 0): Write =>
  (out) => {
    out.text(name)
    out.u32(shape.length)
    for (const size of shape) out.u64(BigInt(size))
    out.u32(type)
    out.u64(BigInt(offset))
  }

export function handwrittenGguf(parts: HandwrittenGguf = {}): Uint8Array {
  const entries = parts.entries ?? [textEntry('general.architecture', 'llama')]
  const tensors = parts.tensors ?? [tensorInfo('a', [64])]
  const alignment = parts.alignment ?? 32
  const out = new GrowingBytes()
  out.u32(parts.magic ?? 0x46554747)
  out.u32(parts.version ?? 3)
  out.u64(parts.tensorCount ?? BigInt(tensors.length))
  out.u64(parts.entryCount ?? BigInt(entries.length))
  for (const write of entries) write(out)
  for (const write of tensors) write(out)
  out.zeros((alignment - (out.length % alignment)) % alignment)
  out.zeros(parts.dataBytes ?? 256)
  return out.bytes()
}

export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

/**
 * A small file cut from a real one: all metadata, lists cut to their first `items`, and the named tensors' real bytes.
 */
export async function sliceOfGguf(
  gguf: GgufFile,
  read: (offsetBytes: number, lengthBytes: number) => Promise<Uint8Array>,
  tensorNames: readonly string[],
  items: number,
): Promise<Uint8Array> {
  const metadata = [...gguf.metadata].map(([key, value]): [string, GgufValue] => {
    if (value.type !== 'array') return [key, value]
    return [
      key,
      { ...value, items: Array.from(value.items as ArrayLike<string>).slice(0, items) } as GgufValue,
    ]
  })
  const tensors = tensorNames.map((name) => {
    const { type, shape, offsetBytes, lengthBytes } = gguf.tensors.get(name)!
    return { name, type, shape, read: () => read(offsetBytes, lengthBytes) }
  })
  return joined(ggufChunks({ metadata, tensors }))
}
