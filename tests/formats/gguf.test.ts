// GGUF: what is written is read back, and every class of bad header (safety.md P3) is one typed Problem with a place.
import { describe, expect, it } from 'vitest'
import { bytesAsSource } from '#formats/byte-source.ts'
import { type GgufValue, readGguf } from '#formats/gguf.ts'
import { readGgufFloat32 } from '#formats/gguf-dequantise.ts'
import { ggufTensorTypes } from '#formats/gguf-types.ts'
import { ggufChunks } from '#formats/gguf-writer.ts'
import { unwrap } from '#shared/result.ts'
import {
  type HandwrittenGguf,
  handwrittenGguf,
  joined,
  numberEntry,
  rawEntry,
  tensorInfo,
  textEntry,
} from '../support/gguf-bytes.ts'
import { watchedSource } from '../support/watched-source.ts'

const architecture = textEntry('general.architecture', 'llama')

describe('round trip', () => {
  const metadata: [string, GgufValue][] = [
    ['text', { type: 'string', value: 'é😀' }],
    ['long', { type: 'string', value: 'x'.repeat(3_000_000) }],
    ['u8', { type: 'u8', value: 255 }],
    ['i8', { type: 'i8', value: -1 }],
    ['u16', { type: 'u16', value: 65_535 }],
    ['i16', { type: 'i16', value: -2 }],
    ['u32', { type: 'u32', value: 4_294_967_295 }],
    ['i32', { type: 'i32', value: -3 }],
    ['u64', { type: 'u64', value: 2n ** 64n - 1n }],
    ['i64', { type: 'i64', value: -(2n ** 63n) }],
    ['f32', { type: 'f32', value: 0.5 }],
    ['f64', { type: 'f64', value: Math.PI }],
    ['yes', { type: 'bool', value: true }],
    ['texts', { type: 'array', itemType: 'string', items: ['', 'a', 'Ġthe'] }],
    ['flags', { type: 'array', itemType: 'bool', items: [true, false] }],
    ['numbers', { type: 'array', itemType: 'i32', items: Int32Array.of(-1, 2 ** 31 - 1) }],
    ['bigs', { type: 'array', itemType: 'u64', items: BigUint64Array.of(1n) }],
    ['none', { type: 'array', itemType: 'f32', items: new Float32Array(0) }],
  ]

  it('reads back every kind of value and tensor', async () => {
    const values = Float32Array.from({ length: 96 }, (_, i) => i - 48)
    const file = await joined(
      ggufChunks({
        metadata,
        tensors: [
          { name: 'a', type: 'F32', shape: [32, 3], read: () => new Uint8Array(values.buffer) },
          { name: 'b', type: 'Q8_0', shape: [32], read: () => new Uint8Array(34).fill(1) },
          { name: 'c', type: 'F32', shape: [1, 1, 1, 1], read: async () => new Uint8Array(4) },
        ],
      }),
    )
    const source = watchedSource(file)
    const gguf = unwrap(await readGguf(source))
    expect(gguf.version).toBe(3)
    expect([...gguf.metadata]).toEqual(metadata)
    expect(gguf.tensors.get('a')).toMatchObject({ type: 'F32', shape: [32, 3], lengthBytes: 384 })
    expect(unwrap(await readGgufFloat32(source, gguf.tensors.get('a')!))).toEqual(values)
    const b = gguf.tensors.get('b')!
    expect(b.offsetBytes % 32).toBe(0)
    expect(gguf.tensors.get('c')!.offsetBytes).toBe(b.offsetBytes + 64)
    expect(source.readsOutside).toBe(0)
  })

  it('reads version 2, other alignments, and data that is not padded at its end', async () => {
    const two = handwrittenGguf({ version: 2 })
    expect(unwrap(await readGguf(bytesAsSource('two', two))).version).toBe(2)
    for (const alignment of [1, 8, 64, 4096]) {
      const file = handwrittenGguf({
        alignment,
        entries: [architecture, numberEntry('general.alignment', alignment)],
        tensors: [tensorInfo('a', [3]), tensorInfo('b', [1], 0, Math.ceil(12 / alignment) * alignment)],
        dataBytes: Math.ceil(12 / alignment) * alignment + 4,
      })
      expect(unwrap(await readGguf(bytesAsSource('aligned', file))).tensors.size).toBe(2)
    }
  })

  it('throws on a caller’s mistakes', async () => {
    const a = { name: 'a', type: 'F32', shape: [2], read: () => new Uint8Array(8) } as const
    const write = (...tensors: Parameters<typeof ggufChunks>[0]['tensors'][]) =>
      joined(ggufChunks({ metadata: [], tensors: tensors.flatMap((list) => [...list]) }))
    await expect(write([a, a])).rejects.toThrow('same name')
    await expect(write([{ ...a, type: 'Q8_0' }])).rejects.toThrow('cannot be stored as Q8_0')
    await expect(write([{ ...a, read: () => new Uint8Array(7) }])).rejects.toThrow('a gave 7 bytes')
    await expect(joined(ggufChunks({ metadata: [metadata[0]!, metadata[0]!], tensors: [] }))).rejects.toThrow(
      'given twice',
    )
  })
})

const listOf =
  (type: number, count: bigint, write: (index: number) => void = () => {}) =>
  (out: Parameters<ReturnType<typeof rawEntry>>[0]) => {
    out.u32(type)
    out.u64(count)
    write(0)
  }
const long = 'x'.repeat(600)

/** One row for each class of safety.md P3: what it is, the file's parts, the code, a word of the sentence. */
const refused: [string, HandwrittenGguf, string, string][] = [
  ['other magic', { magic: 0x47475546 }, 'gguf.invalid', 'letters GGUF'],
  ['version 0', { version: 0 }, 'gguf.unsupported', 'version 0'],
  ['version 1', { version: 1 }, 'gguf.unsupported', 'version 1'],
  ['version 4', { version: 4 }, 'gguf.unsupported', 'version 4'],
  ['big-endian', { version: 0x03000000 }, 'gguf.unsupported', 'big-endian'],
  ['2^64 - 1 tensors', { tensorCount: 2n ** 64n - 1n }, 'limit.exceeded', 'tensors'],
  ['200,001 tensors', { tensorCount: 200_001n }, 'limit.exceeded', 'tensors'],
  ['more tensors than bytes', { tensorCount: 150_000n }, 'gguf.invalid', 'left in the file'],
  ['120,000 keys', { entryCount: 120_000n }, 'limit.exceeded', 'metadata entries'],
  ['more keys than bytes', { entryCount: 60_000n }, 'gguf.invalid', 'left in the file'],
  ['empty key', { entries: [textEntry('', 'x')] }, 'gguf.invalid', 'empty'],
  ['key of 600 bytes', { entries: [textEntry(long, 'x')] }, 'limit.exceeded', 'metadata key 0'],
  ['key with a control character', { entries: [textEntry('a\x1b[2J', 'x')] }, 'gguf.invalid', 'invisible'],
  ['key twice', { entries: [architecture, architecture] }, 'gguf.invalid', 'twice'],
  ['value of type 13', { entries: [rawEntry('a', 13, (out) => out.u32(0))] }, 'gguf.invalid', 'type 13'],
  [
    'value of type 2^32 - 1',
    { entries: [rawEntry('a', 2 ** 32 - 1, (out) => out.u32(0))] },
    'gguf.invalid',
    'unknown type',
  ],
  [
    'text of 17 MiB',
    { entries: [rawEntry('a', 8, (out) => out.u64(17n << 20n))] },
    'limit.exceeded',
    'limit',
  ],
  [
    'text of 2^64 - 1 bytes',
    { entries: [rawEntry('a', 8, (out) => out.u64(2n ** 64n - 1n))] },
    'gguf.invalid',
    'cannot be true',
  ],
  [
    'text beyond the end',
    { entries: [rawEntry('a', 8, (out) => out.u64(5000n))] },
    'gguf.invalid',
    'file ends',
  ],
  [
    'text not UTF-8',
    {
      entries: [
        rawEntry('a', 8, (out) => {
          out.u64(1n)
          out.u8(0xff)
        }),
      ],
    },
    'gguf.invalid',
    'UTF-8',
  ],
  [
    'truth value 2',
    { entries: [rawEntry('a', 7, (out) => out.u8(2))] },
    'gguf.invalid',
    'neither true nor false',
  ],
  ['list of lists', { entries: [rawEntry('a', 9, listOf(9, 1n))] }, 'gguf.invalid', 'contains lists'],
  ['list of type 13', { entries: [rawEntry('a', 9, listOf(13, 1n))] }, 'gguf.invalid', 'type 13'],
  ['list of 2^61 numbers', { entries: [rawEntry('a', 9, listOf(10, 2n ** 61n))] }, 'limit.exceeded', 'Items'],
  [
    'list of 16 M numbers in a small file',
    { entries: [rawEntry('a', 9, listOf(12, 16n << 20n))] },
    'gguf.invalid',
    'left in the file',
  ],
  [
    'list of 16 M texts in a small file',
    { entries: [rawEntry('a', 9, listOf(8, 16n << 20n))] },
    'gguf.invalid',
    'left in the file',
  ],
  [
    'list of truth values with a 7',
    {
      entries: [
        rawEntry('a', 9, (out) => {
          out.u32(7)
          out.u64(2n)
          out.u16(0x0701)
        }),
      ],
    },
    'gguf.invalid',
    'neither',
  ],
  ['alignment 0', { entries: [numberEntry('general.alignment', 0)] }, 'gguf.invalid', 'power of two'],
  ['alignment 24', { entries: [numberEntry('general.alignment', 24)] }, 'gguf.invalid', 'power of two'],
  ['alignment as text', { entries: [textEntry('general.alignment', '32')] }, 'gguf.invalid', 'power of two'],
  [
    'alignment of 2 GiB',
    { entries: [numberEntry('general.alignment', 2 ** 31)] },
    'gguf.invalid',
    'file ends',
  ],
  ['tensor without a name', { tensors: [tensorInfo('', [64])] }, 'gguf.invalid', 'empty'],
  ['tensor name of 600 bytes', { tensors: [tensorInfo(long, [64])] }, 'limit.exceeded', 'name of tensor 0'],
  ['tensor name with a line break', { tensors: [tensorInfo('a\nb', [64])] }, 'gguf.invalid', 'invisible'],
  ['tensor twice', { tensors: [tensorInfo('a', [8]), tensorInfo('a', [8], 0, 32)] }, 'gguf.invalid', 'twice'],
  ['no dimensions', { tensors: [tensorInfo('a', [])] }, 'gguf.invalid', 'no dimensions'],
  ['five dimensions', { tensors: [tensorInfo('a', [1, 1, 1, 1, 1])] }, 'limit.exceeded', 'dimensions'],
  ['dimension 0', { tensors: [tensorInfo('a', [0])] }, 'gguf.invalid', 'empty dimension'],
  ['negative dimension', { tensors: [tensorInfo('a', [2n ** 64n - 64n])] }, 'gguf.invalid', 'cannot be true'],
  [
    'product of dimensions overflows',
    { tensors: [tensorInfo('a', [2n ** 32n, 2n ** 32n, 2])] },
    'gguf.invalid',
    'too large',
  ],
  [
    'bytes overflow though elements do not',
    { tensors: [tensorInfo('a', [2n ** 51n, 2])] },
    'gguf.invalid',
    'too large',
  ],
  ['tensor type 4 (removed)', { tensors: [tensorInfo('a', [64], 4)] }, 'gguf.unsupported', 'number format 4'],
  ['tensor type 999', { tensors: [tensorInfo('a', [64], 999)] }, 'gguf.unsupported', 'number format 999'],
  ['Q4_0 rows of 33', { tensors: [tensorInfo('a', [33, 32], 2)] }, 'gguf.invalid', 'blocks of 32'],
  ['Q4_K rows of 128', { tensors: [tensorInfo('a', [128, 2], 12)] }, 'gguf.invalid', 'blocks of 256'],
  ['first offset not 0', { tensors: [tensorInfo('a', [8], 0, 32)] }, 'gguf.invalid', 'should begin'],
  [
    'overlap',
    { tensors: [tensorInfo('a', [16]), tensorInfo('b', [16], 0, 32)] },
    'gguf.invalid',
    'should begin',
  ],
  ['gap', { tensors: [tensorInfo('a', [8]), tensorInfo('b', [8], 0, 96)] }, 'gguf.invalid', 'should begin'],
  [
    'offset not aligned',
    { tensors: [tensorInfo('a', [3]), tensorInfo('b', [3], 0, 12)] },
    'gguf.invalid',
    'should begin',
  ],
  [
    'offset 2^64 - 32',
    { tensors: [tensorInfo('a', [8], 0, 2n ** 64n - 32n)] },
    'gguf.invalid',
    'cannot be true',
  ],
  ['data beyond the end (CVE-2026-7482)', { tensors: [tensorInfo('a', [65])] }, 'gguf.invalid', 'file ends'],
  ['petabytes', { tensors: [tensorInfo('a', [2 ** 40, 256])] }, 'gguf.invalid', 'file ends'],
]

describe('refusals', () => {
  it.each(refused)('%s', async (_name, parts, code, word) => {
    const source = watchedSource(handwrittenGguf(parts))
    const result = await readGguf(source)
    const problem = result.ok ? null : result.problem
    expect(problem).toMatchObject({ code })
    expect(problem?.message).toContain(word)
    expect(problem?.where).toMatch(/^model, /)
    expect(problem?.remedy).not.toBe('')
    expect(source.readsOutside).toBe(0)
    expect(source.totalReadBytes).toBeLessThanOrEqual(source.sizeBytes)
  })

  it('refuses lists and texts that together pass the header’s limit, in a file that could hold them', async () => {
    const count = 16n << 20n
    const parts = { entries: [rawEntry('a', 9, listOf(12, count)), rawEntry('b', 9, listOf(12, count))] }
    const source = watchedSource(handwrittenGguf(parts), 'huge', 2 ** 40)
    expect(await readGguf(source)).toMatchObject({ ok: false, problem: { code: 'limit.exceeded' } })
    expect(source.totalReadBytes).toBeLessThan(1 << 20)
  })

  it('takes 65,536 keys (a pairwise search for duplicates took 35 s here)', async () => {
    const entries = Array.from({ length: 65_536 }, (_, i) => numberEntry(`k${i}`, i))
    expect(unwrap(await readGguf(bytesAsSource('keys', handwrittenGguf({ entries })))).metadata.size).toBe(
      65_536,
    )
  })

  it('refuses a file cut anywhere, at every single byte', async () => {
    const whole = handwrittenGguf({
      entries: [
        architecture,
        numberEntry('general.alignment', 32),
        rawEntry('list', 9, (out) => {
          out.u32(8)
          out.u64(2n)
          out.text('one')
          out.text('two')
        }),
      ],
      tensors: [tensorInfo('a', [8, 2]), tensorInfo('b', [4], 1, 64)],
      dataBytes: 72,
    })
    expect((await readGguf(bytesAsSource('whole', whole))).ok).toBe(true)
    for (let length = 0; length < whole.length; length += 1) {
      const source = watchedSource(whole.subarray(0, length), 'cut')
      const result = await readGguf(source)
      expect(result.ok ? `accepted ${length} bytes` : result.problem.code).toBe('gguf.invalid')
      expect(source.readsOutside).toBe(0)
    }
  })

  it('knows the sizes of all its types: none is 0, ids are distinct', () => {
    const types = Object.values(ggufTensorTypes)
    expect(new Set(types.map(({ id }) => id)).size).toBe(types.length)
    for (const { blockBytes, blockElements } of types) {
      expect(blockBytes).toBeGreaterThan(0)
      expect([1, 32, 256]).toContain(blockElements)
    }
  })
})
