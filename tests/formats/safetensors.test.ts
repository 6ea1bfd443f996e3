// safetensors: what is written is read back, and every class of bad header (safety.md P1, P2) is one typed Problem.
import { describe, expect, it } from 'vitest'
import { bytesAsSource } from '#formats/byte-source.ts'
import {
  encodeSafetensors,
  readFloat32,
  readSafetensorsHeader,
  type SafetensorsInput,
  safetensorsChunks,
} from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { joined } from '../support/gguf-bytes.ts'
import { watchedSource } from '../support/watched-source.ts'

const utf8 = new TextEncoder()

/** A file of this header text (its length field true unless given) and so many data bytes. */
function fileOf(header: string | Uint8Array, dataBytes = 0, declared?: bigint): Uint8Array {
  const text = typeof header === 'string' ? utf8.encode(header) : header
  const file = new Uint8Array(8 + text.length + dataBytes)
  new DataView(file.buffer).setBigUint64(0, declared ?? BigInt(text.length), true)
  file.set(text, 8)
  return file
}

const entry = (begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = '"F32"'): string =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":[${begin},${end}]}`

const problemOf = async (file: Uint8Array) => {
  const source = watchedSource(file)
  const result = await readSafetensorsHeader(source)
  expect(source.readsOutside).toBe(0)
  return result.ok ? null : result.problem
}

describe('round trip', () => {
  it('reads back names, shapes, types, metadata and values; data begins on a 64-byte boundary', async () => {
    const data = Float32Array.from({ length: 6 }, (_, i) => i / 3)
    const file = encodeSafetensors(
      new Map([
        ['weights "a"\\ é', { shape: [2, 3], data }],
        ['scalar', { shape: [], data: Float32Array.of(7) }],
        ['empty', { shape: [0, 4], data: new Float32Array(0) }],
        ['ids', { shape: [2], data: BigInt64Array.of(1n, -2n) }],
        ['__proto__', { shape: [1], data: Int32Array.of(5) }],
      ]),
      { format: 'pt', note: 'line\nbreak' },
    )
    const source = bytesAsSource('a.safetensors', file)
    const { tensors, metadata } = unwrap(await readSafetensorsHeader(source))
    expect([...metadata]).toEqual([
      ['format', 'pt'],
      ['note', 'line\nbreak'],
    ])
    expect(new Set(tensors.keys())).toEqual(
      new Set(['weights "a"\\ é', 'scalar', 'empty', 'ids', '__proto__']),
    )
    const weights = tensors.get('weights "a"\\ é')!
    expect(weights).toMatchObject({ dtype: 'F32', shape: [2, 3], lengthBytes: 24 })
    expect(weights.offsetBytes % 64).toBe(0)
    expect(unwrap(await readFloat32(source, weights))).toEqual(data)
    expect(tensors.get('ids')).toMatchObject({ dtype: 'I64', shape: [2], lengthBytes: 16 })
    expect((await readFloat32(source, tensors.get('ids')!)).ok).toBe(false)
  })

  it('widens halves and bfloat16 exactly', async () => {
    const inputs: SafetensorsInput[] = [
      { name: 'half', dtype: 'F16', shape: [3], read: () => Uint8Array.of(0, 0x3c, 0, 0xc0, 1, 0) },
      { name: 'brain', dtype: 'BF16', shape: [2], read: () => Uint8Array.of(0x80, 0x3f, 0x49, 0x40) },
    ]
    const source = bytesAsSource('h.safetensors', await joined(safetensorsChunks(inputs)))
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    expect([...unwrap(await readFloat32(source, tensors.get('half')!))]).toEqual([1, -2, 2 ** -24])
    expect([...unwrap(await readFloat32(source, tensors.get('brain')!))]).toEqual([1, 3.140625])
  })

  it('streams: a tensor is asked for only when its turn has come, and a large one is read in pieces', async () => {
    const asked: string[] = []
    const big = 5 * 1024 * 1024
    const input = (name: string): SafetensorsInput => ({
      name,
      dtype: 'U8',
      shape: [big],
      read: async function* () {
        asked.push(name)
        for (let i = 0; i < 5; i += 1) yield new Uint8Array(big / 5)
      },
    })
    const stream = safetensorsChunks([input('one'), input('two')])
    await stream.next()
    expect(asked).toEqual([])
    await stream.next()
    expect(asked).toEqual(['one'])

    const file = encodeSafetensors(new Map([['w', { shape: [big], data: new Float32Array(big) }]]))
    const source = watchedSource(file)
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    unwrap(await readFloat32(source, tensors.get('w')!))
    expect(source.largestReadBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
  })

  it('throws on a caller’s mistakes: too few bytes, too many, a name twice', async () => {
    const drain = async (bytes: number, names: string[]): Promise<void> => {
      const inputs = names.map((name): SafetensorsInput => {
        return { name, dtype: 'U8', shape: [4], read: () => new Uint8Array(bytes) }
      })
      for await (const _ of safetensorsChunks(inputs));
    }
    await expect(drain(3, ['a'])).rejects.toThrow('a gave 3 bytes')
    await expect(drain(5, ['a'])).rejects.toThrow('a gave 5 bytes')
    await expect(drain(4, ['a', 'a'])).rejects.toThrow('two tensors are named a')
    await expect(drain(4, ['a', '__metadata__'])).rejects.toThrow('two tensors')
  })
})

const mebibyte = 1024 * 1024
const big = 'x'.repeat(600)

/** One row for each class of safety.md P1 and P2: what it is, the file, the code, a word of the sentence. */
const refused: [string, Uint8Array, string, string][] = [
  ['empty file', new Uint8Array(0), 'safetensors.invalid', 'too few'],
  ['seven bytes', new Uint8Array(7), 'safetensors.invalid', 'too few'],
  ['header of no bytes', fileOf(''), 'safetensors.invalid', 'cannot hold'],
  ['header longer than the file', fileOf('{}', 0, 500n), 'safetensors.invalid', 'only 2 follow'],
  ['header of 2^63 bytes', fileOf('{}', 0, 2n ** 63n), 'safetensors.invalid', 'only 2 follow'],
  ['leading space', fileOf(' {}'), 'safetensors.invalid', 'opening brace'],
  ['byte order mark', fileOf('\ufeff{}'), 'safetensors.invalid', 'opening brace'],
  ['a list', fileOf('[]'), 'safetensors.invalid', 'opening brace'],
  ['invalid UTF-8', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), 'safetensors.invalid', 'UTF-8'],
  [
    'overlong UTF-8',
    fileOf(Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d)),
    'safetensors.invalid',
    'UTF-8',
  ],
  ['unclosed object', fileOf('{"a":'), 'safetensors.invalid', 'too early'],
  ['trailing newline', fileOf('{}\n'), 'safetensors.invalid', 'follows'],
  ['trailing zero byte', fileOf('{}\0'), 'safetensors.invalid', 'follows'],
  ['second object', fileOf('{}{}'), 'safetensors.invalid', 'follows'],
  ['trailing comma', fileOf(`{"a":${entry(0, 4)},}`, 4), 'safetensors.invalid', 'in quotes'],
  ['single quotes', fileOf(`{'a':1}`), 'safetensors.invalid', 'in quotes'],
  ['comment', fileOf('{/* */}'), 'safetensors.invalid', 'in quotes'],
  ['raw control character', fileOf('{"a\nb":1}'), 'safetensors.invalid', 'control'],
  ['lone surrogate', fileOf('{"\\ud800":1}'), 'safetensors.invalid', 'surrogate'],
  ['bad escape', fileOf('{"\\x41":1}'), 'safetensors.invalid', 'backslash'],
  ['tensor twice', fileOf(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4), 'safetensors.invalid', 'twice'],
  [
    'tensor twice by escape',
    fileOf(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4),
    'safetensors.invalid',
    'twice',
  ],
  [
    'field twice',
    fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    'safetensors.invalid',
    'twice',
  ],
  ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'safetensors.invalid', 'twice'],
  ['metadata a number', fileOf('{"__metadata__":{"a":1}}'), 'safetensors.invalid', 'not a text'],
  ['metadata a list', fileOf('{"__metadata__":[]}'), 'safetensors.invalid', 'not an object'],
  ['tensor a number', fileOf('{"a":1}'), 'safetensors.invalid', 'not an object'],
  [
    'unknown field',
    fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4),
    'safetensors.invalid',
    'Unknown field',
  ],
  ['no dtype', fileOf('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), 'safetensors.invalid', 'dtype'],
  ['dtype F4', fileOf(`{"a":${entry(0, 4, '[8]', '"F4"')}}`, 4), 'safetensors.invalid', 'F4'],
  [
    'dtype of the prototype',
    fileOf(`{"a":${entry(0, 4, '[1]', '"toString"')}}`, 4),
    'safetensors.invalid',
    'dtype',
  ],
  ['dtype a number', fileOf(`{"a":${entry(0, 4, '[1]', '1')}}`, 4), 'safetensors.invalid', 'dtype'],
  ['no shape', fileOf('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), 'safetensors.invalid', 'shape'],
  ['negative size', fileOf(`{"a":${entry(0, 4, '[-1]')}}`, 4), 'safetensors.invalid', 'whole number'],
  ['fraction', fileOf(`{"a":${entry(0, 4, '[1.0]')}}`, 4), 'safetensors.invalid', 'whole number'],
  ['exponent', fileOf(`{"a":${entry(0, 4, '[1e0]')}}`, 4), 'safetensors.invalid', 'whole number'],
  ['minus zero', fileOf(`{"a":${entry(0, 0, '[-0]')}}`), 'safetensors.invalid', 'whole number'],
  ['leading zero', fileOf(`{"a":${entry(0, 4, '[01]')}}`, 4), 'safetensors.invalid', 'comma'],
  ['2^53', fileOf(`{"a":${entry(0, 4, '[9007199254740992]')}}`, 4), 'safetensors.invalid', '2^53'],
  [
    '500-digit number',
    fileOf(`{"a":${entry(0, 4, `[${'9'.repeat(500)}]`)}}`, 4),
    'safetensors.invalid',
    '2^53',
  ],
  [
    'product overflow',
    fileOf(`{"a":${entry(0, 4, '[4294967296,4294967296]')}}`, 4),
    'safetensors.invalid',
    'too large',
  ],
  [
    'product overflow before a zero',
    fileOf(`{"a":${entry(0, 0, '[4294967296,4294967296,0]')}}`),
    'safetensors.invalid',
    'too large',
  ],
  ['rank 9', fileOf(`{"a":${entry(0, 4, '[1,1,1,1,1,1,1,1,1]')}}`, 4), 'limit.exceeded', 'dimensions'],
  [
    'offsets of three',
    fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}', 4),
    'safetensors.invalid',
    'pair',
  ],
  ['offsets reversed', fileOf(`{"a":${entry(4, 0, '[1]')}}`, 4), 'safetensors.invalid', 'needs 4 bytes'],
  ['size unlike shape', fileOf(`{"a":${entry(0, 8, '[1]')}}`, 8), 'safetensors.invalid', 'needs 4 bytes'],
  ['gap at the start', fileOf(`{"a":${entry(4, 8)}}`, 8), 'safetensors.invalid', 'should begin'],
  [
    'gap between',
    fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
    'safetensors.invalid',
    'should begin',
  ],
  ['overlap', fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), 'safetensors.invalid', 'should begin'],
  [
    'same data twice',
    fileOf(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4),
    'safetensors.invalid',
    'should begin',
  ],
  [
    'empty tensor inside another',
    fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 4)}}`, 8),
    'safetensors.invalid',
    'should begin',
  ],
  ['data shorter than said', fileOf(`{"a":${entry(0, 8)}}`, 4), 'safetensors.invalid', 'file ends'],
  ['bytes after the data', fileOf(`{"a":${entry(0, 4)}}`, 5), 'safetensors.invalid', '1 bytes follow'],
  ['bytes but no tensor', fileOf('{}', 3), 'safetensors.invalid', '3 bytes follow'],
  ['empty name', fileOf(`{"":${entry(0, 4)}}`, 4), 'safetensors.invalid', 'empty'],
  ['name of 600 bytes', fileOf(`{"${big}":${entry(0, 4)}}`, 4), 'safetensors.invalid', '512'],
  [
    'name with an escape character',
    fileOf(`{"\\u001b[2J":${entry(0, 4)}}`, 4),
    'safetensors.invalid',
    'invisible',
  ],
  [
    'name with a right-to-left override',
    fileOf(`{"a\\u202eb":${entry(0, 4)}}`, 4),
    'safetensors.invalid',
    'invisible',
  ],
  ['65 levels deep', fileOf(`{"a":${'['.repeat(65)}${']'.repeat(65)}}`), 'safetensors.invalid', 'deeper'],
  ['200,000 levels deep', fileOf(`{"a":${'['.repeat(200_000)}`), 'safetensors.invalid', 'deeper'],
  [
    'a ZIP, as PyTorch writes',
    Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0),
    'safetensors.invalid',
    'pickle',
  ],
  ['a bare pickle', Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0, 0, 0, 0), 'safetensors.invalid', 'pickle'],
]

describe('refusals', () => {
  it.each(refused)('%s', async (_name, file, code, word) => {
    const problem = await problemOf(file)
    expect(problem).toMatchObject({ code })
    expect(problem?.message).toContain(word)
    expect(problem?.where).toMatch(/^model, /)
    expect(problem?.remedy).not.toBe('')
  })

  it('refuses 200,001 tensors', async () => {
    const header = Array.from({ length: 200_001 }, (_, i) => `"${i}":0`).join(',')
    expect(await problemOf(fileOf(`{${header}}`))).toMatchObject({ code: 'limit.exceeded' })
  })

  it('reads nothing but the length field where the header is said to be too long', async () => {
    const source = watchedSource(fileOf('{}', 0, BigInt(16 * mebibyte + 1)), 'bomb', 2 ** 40)
    expect(await readSafetensorsHeader(source)).toMatchObject({
      ok: false,
      problem: { code: 'limit.exceeded' },
    })
    expect(source.totalReadBytes).toBe(8)
  })

  it('takes a header of exactly the cap, and reads no more than it', async () => {
    const length = 16 * mebibyte
    const source = watchedSource(fileOf(`{}${' '.repeat(length - 2)}`))
    expect((await readSafetensorsHeader(source)).ok).toBe(true)
    expect(source.totalReadBytes).toBe(8 + 1 + length)
  })

  it('says at which byte the JSON goes wrong, counted in bytes and not in characters', async () => {
    expect((await problemOf(fileOf('{"é😀":tru}')))?.where).toBe('model, byte 18')
  })

  it('shows foreign names escaped and shortened', async () => {
    const problem = await problemOf(fileOf(`{"<img onerror=1>\\u202e${big}":1}`))
    expect(problem?.where).toMatch(/<img onerror=1>\\u\{202e\}x+…/)
    expect(problem!.where.length).toBeLessThan(150)
  })

  it('refuses an entry that reaches beyond the file', async () => {
    const source = bytesAsSource('short', new Uint8Array(10))
    const result = await readFloat32(source, { dtype: 'F32', shape: [4], offsetBytes: 0, lengthBytes: 16 })
    expect(result).toMatchObject({ ok: false, problem: { code: 'safetensors.invalid' } })
  })

  it('reports a file that became shorter while it was read (P16)', async () => {
    const file = encodeSafetensors(new Map([['w', { shape: [1], data: new Float32Array(1) }]]))
    const source = { ...bytesAsSource('w', file), sizeBytes: file.length + 4 }
    const entry = { dtype: 'F32', shape: [1], offsetBytes: file.length, lengthBytes: 4 } as const
    expect(await readFloat32(source, entry)).toMatchObject({ ok: false, problem: { code: 'file.changed' } })
  })
})

describe('what the format allows', () => {
  it.each([
    ['no tensors', fileOf('{}')],
    ['white space within', fileOf(`{ "a" :\n\t${entry(0, 4)}\r\n}  `, 4)],
    ['tensors listed in another order than they lie', fileOf(`{"b":${entry(4, 8)},"a":${entry(0, 4)}}`, 8)],
    ['empty tensors at a boundary', fileOf(`{"a":${entry(0, 4)},"b":${entry(4, 4)},"c":${entry(4, 8)}}`, 8)],
    ['metadata of any text', fileOf('{"__metadata__":{"":"","\\u0000":"\\ud83d\\ude00"}}')],
  ])('%s', async (_name, file) => {
    expect(await problemOf(file)).toBeNull()
  })
})
