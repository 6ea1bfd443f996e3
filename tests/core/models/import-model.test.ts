// Models into the library: what comes in is the same numbers, checked and hashed; what must not come in names itself.
import { execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import type { ModelManifest } from '#core/models/manifest.ts'
import { listModels, modelFolder, showModel, sweepModels, verifyModel } from '#core/models/model-library.ts'
import { isTemporaryName, sha256File } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { encodeSafetensors, readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { type Problem, type Result, unwrap } from '#shared/result.ts'
import { tinyTokenizerJson } from '../../formats/tokenizer-support.ts'
import { findStarterGguf } from '../../support/models.ts'
import {
  shardedFiles,
  tinyConfig,
  tinyFiles,
  tinyTensors,
  tinyTokenizerConfig,
  writeFiles,
} from './tiny-model.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-models-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
let count = 0
const freshFolder = (): string => join(home, `folder-${count++}`)
const freshLibrary = (): Library => openLibrary(join(home, `library-${count++}`))
const problemOf = (result: Result<unknown>): Problem => {
  if (result.ok) throw new Error('it was accepted')
  return result.problem
}

async function readTensor(library: Library, id: string, name: string): Promise<Float32Array> {
  const file = await openFileBytes(join(modelFolder(library, id), 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    return unwrap(await readFloat32(file, tensors.get(name)!))
  } finally {
    await file.close()
  }
}

const nothingWasAdded = async (library: Library): Promise<void> => {
  expect(readdirSync(library.modelsFolder)).toEqual([])
}

describe('a Hugging Face folder', () => {
  it('becomes a model with the same numbers, its licence and its source', async () => {
    const library = freshLibrary()
    const folder = writeFiles(join(home, 'My tiny model'), tinyFiles())
    const phases = new Set<string>()
    const manifest = unwrap(
      await importModel(library, folder, { onProgress: ({ phase }) => phases.add(phase) }),
    )
    expect(manifest).toMatchObject({
      name: 'My tiny model',
      family: 'llama',
      licence: 'mit',
      weightType: 'float32',
      contextTokens: 128,
      hasChatTemplate: true,
      source: { kind: 'folder', from: 'My tiny model', revision: null },
    })
    const total = [...tinyTensors().values()].reduce((sum, { data }) => sum + data.length, 0)
    expect(manifest.parameters).toBe(total)
    expect([...phases].sort()).toEqual(['looking', 'reading', 'writing'])
    for (const [name, { data }] of tinyTensors())
      expect(await readTensor(library, manifest.id, name)).toEqual(data)
    const path = modelFolder(library, manifest.id)
    expect(readdirSync(path).sort()).toEqual([
      'config.json',
      'manifest.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    for (const [name, { sha256 }] of Object.entries(manifest.files))
      expect(await sha256File(join(path, name))).toBe(sha256)
    expect(manifest.source.files['model.safetensors']).toBe(
      await sha256File(join(folder, 'model.safetensors')),
    )
    // The name of a program has no place in the library.
    expect(readFileSync(join(path, 'config.json'), 'utf8')).not.toContain('auto_map')
  })

  it('in shards gives the same weights file, whatever lies where', async () => {
    const library = freshLibrary()
    const single = unwrap(await importModel(library, writeFiles(freshFolder(), tinyFiles())))
    const sharded = unwrap(await importModel(library, writeFiles(freshFolder(), shardedFiles())))
    expect(sharded.weightsSha256).toBe(single.weightsSha256)
    expect(sharded.id).not.toBe(single.id)
    expect(Object.keys(sharded.source.files)).toHaveLength(6)
  })

  it.each(['F16', 'BF16'] as const)('keeps %s numbers as they are', async (dtype) => {
    const library = freshLibrary()
    const tensors = tinyTensors()
    const halves = [...tensors].map(
      ([name, { shape, data }]): [string, { shape: readonly number[]; data: Uint16Array }] => [
        name,
        { shape, data: Uint16Array.from({ length: data.length }, (_, at) => (at * 7) % 0x3c00) },
      ],
    )
    const bytes = Buffer.from(encodeSafetensors(new Map(halves)))
    const length = Number(bytes.readBigUInt64LE(0))
    const header = bytes
      .toString('utf8', 8, 8 + length)
      .replaceAll('"U16"', `"${dtype}"`)
      .trimEnd()
      .padEnd(length + 64)
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(BigInt(header.length))
    const file = Buffer.concat([prefix, Buffer.from(header), bytes.subarray(8 + length)])
    const folder = writeFiles(freshFolder(), tinyFiles({ 'model.safetensors': file }))
    const manifest = unwrap(await importModel(library, folder))
    expect(manifest.weightType).toBe(dtype === 'F16' ? 'float16' : 'bfloat16')
    const path = join(modelFolder(library, manifest.id), 'model.safetensors')
    const source = await openFileBytes(path)
    const written = unwrap(await readSafetensorsHeader(source))
    for (const [name, { data }] of halves) {
      const entry = written.tensors.get(name)!
      expect(entry.dtype).toBe(dtype)
      const raw = await source.read(entry.offsetBytes, entry.lengthBytes)
      expect(Buffer.compare(Buffer.from(raw), Buffer.from(data.buffer))).toBe(0)
    }
    await source.close()
  })

  it('added again is the same model, and nothing is written', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    const first = unwrap(await importModel(library, folder))
    cpSync(folder, `${folder}-copy`, { recursive: true })
    const again = unwrap(await importModel(library, `${folder}-copy`, { name: 'another name' }))
    expect(again).toEqual(first)
    expect(readdirSync(library.modelsFolder)).toEqual([first.id])
  })

  it('added again replaces what was damaged in the meantime', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    const { id } = unwrap(await importModel(library, folder))
    const weights = join(modelFolder(library, id), 'model.safetensors')
    const bytes = readFileSync(weights)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    writeFileSync(weights, bytes)
    expect(problemOf(await verifyModel(library, id)).code).toBe('model.damaged')
    unwrap(await importModel(library, folder))
    unwrap(await verifyModel(library, id))
  })

  it('takes the template from chat_template.jinja, and the licence from a LICENSE file', async () => {
    const library = freshLibrary()
    const { chat_template: template, ...rest } = tinyTokenizerConfig
    const files = tinyFiles({
      'tokenizer_config.json': JSON.stringify(rest),
      'chat_template.jinja': template,
      'README.md': '# No front matter',
      LICENSE: '\n  The Very Own Licence\n\nDo as you like.',
    })
    const manifest = unwrap(await importModel(library, writeFiles(freshFolder(), files)))
    expect(manifest.licence).toBe('LICENSE: The Very Own Licence')
    expect(manifest.hasChatTemplate).toBe(true)
    const config = readFileSync(join(modelFolder(library, manifest.id), 'tokenizer_config.json'), 'utf8')
    expect(JSON.parse(config).chat_template).toBe(template)
  })

  it('without a word on its licence, or a template, says so', async () => {
    const library = freshLibrary()
    const files = tinyFiles({ 'README.md': null, 'tokenizer_config.json': null })
    const manifest = unwrap(await importModel(library, writeFiles(freshFolder(), files)))
    expect([manifest.licence, manifest.hasChatTemplate]).toEqual(['unknown', false])
  })

  it('leaves programs, pickles and hidden files alone beside good weights', async () => {
    const library = freshLibrary()
    const files = tinyFiles({ 'modeling_evil.py': 'raise', 'pytorch_model.bin': '\x80\x04.', '.hidden': 'x' })
    const manifest = unwrap(await importModel(library, writeFiles(freshFolder(), files)))
    expect(Object.keys(manifest.source.files).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
  })
})

const json = (value: unknown): string => JSON.stringify(value)
const weightMap = (change: (map: Record<string, unknown>) => unknown): Map<string, Uint8Array> => {
  const files = shardedFiles()
  const index = JSON.parse(new TextDecoder().decode(files.get('model.safetensors.index.json')))
  const map = change(index.weight_map) ?? index.weight_map
  files.set('model.safetensors.index.json', new TextEncoder().encode(json({ ...index, weight_map: map })))
  return files
}
const firstShard = 'model-00001-of-00002.safetensors'
const without = (name: string) => {
  const tensors = tinyTensors()
  tensors.delete(name)
  return encodeSafetensors(tensors)
}
const reshaped = () => {
  const tensors = tinyTensors()
  const norm = tensors.get('model.norm.weight')!
  tensors.set('model.norm.weight', { shape: [2, 16], data: norm.data })
  return encodeSafetensors(tensors)
}
const extra = () =>
  encodeSafetensors(tinyTensors().set('model.adapter.weight', { shape: [1], data: new Float32Array(1) }))
const template = (source: string) => json({ ...tinyTokenizerConfig, chat_template: source })
const tokenizer = tinyTokenizerJson(['<|im_start|>', '<|im_end|>'])

describe('hostile and broken folders', () => {
  it.each<[string, () => Map<string, Uint8Array>, string, RegExp]>([
    [
      'a path out of the folder in the index',
      () => weightMap((m) => ({ ...m, x: '../secret.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'an absolute path in the index',
      () => weightMap((m) => ({ ...m, x: '/etc/x.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a Windows path in the index',
      () => weightMap((m) => ({ ...m, x: '..\\x.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a device path in the index',
      () => weightMap((m) => ({ ...m, x: '\\\\?\\C:\\x.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'another stream of a file in the index',
      () => weightMap((m) => ({ ...m, x: 'a.bin:x.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a device name in the index',
      () => weightMap((m) => ({ ...m, x: 'CON.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a hidden file in the index',
      () => weightMap((m) => ({ ...m, x: '.x.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a name of 300 characters in the index',
      () => weightMap((m) => ({ ...m, x: `${'a'.repeat(300)}.safetensors` })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a letter that looks like another in the index',
      () => weightMap((m) => ({ ...m, x: 'mоdel.safetensors' })),
      'file.unsafe',
      /lead out/,
    ],
    [
      'a pickle in the index',
      () => weightMap((m) => ({ ...m, x: 'pytorch_model.bin' })),
      'file.unsafe',
      /pytorch_model\.bin/,
    ],
    ['a number in the index', () => weightMap((m) => ({ ...m, x: 7 })), 'file.unsafe', /only safetensors/],
    ['an index without a map', () => weightMap(() => []), 'model.missing-tensor', /weight_map/],
    ['an index of nothing', () => weightMap(() => ({})), 'model.missing-tensor', /lacks/],
    [
      'a shard that is missing',
      () => {
        const f = shardedFiles()
        f.delete(firstShard)
        return f
      },
      'model.missing-tensor',
      /00001-of-00002/,
    ],
    [
      'a tensor that the index places elsewhere',
      () =>
        weightMap((m) => ({
          ...m,
          'model.norm.weight':
            m['model.norm.weight'] === firstShard ? 'model-00002-of-00002.safetensors' : firstShard,
        })),
      'model.missing-tensor',
      /index says/,
    ],
    [
      'a tensor that the index leaves out',
      () =>
        weightMap((m) => {
          const { 'model.norm.weight': _, ...rest } = m
          return rest
        }),
      'model.missing-tensor',
      /index says/,
    ],
    [
      'a tensor that only the index has',
      () => weightMap((m) => ({ ...m, ghost: firstShard })),
      'model.missing-tensor',
      /ghost/,
    ],
    ['a tensor in two shards', () => shardedTwice(), 'model.missing-tensor', /two files/],
    [
      'a pickle called safetensors',
      () => tinyFiles({ 'model.safetensors': '\x80\x04\x95cos\nsystem\n(S"id"\ntR.' }),
      'safetensors.invalid',
      /[Hh]eader/,
    ],
    [
      'a zip called safetensors',
      () => tinyFiles({ 'model.safetensors': 'PK\x03\x04\x00\x00\x00\x00rest of a zip' }),
      'safetensors.invalid',
      /./,
    ],
    [
      'only pickles',
      () => tinyFiles({ 'model.safetensors': null, 'pytorch_model.bin': 'x', 'a.pkl': 'x', 'b.ckpt': 'x' }),
      'file.unsafe',
      /a\.pkl, b\.ckpt, pytorch_model\.bin/,
    ],
    [
      'no weights at all',
      () => tinyFiles({ 'model.safetensors': null }),
      'file.missing',
      /model\.safetensors/,
    ],
    [
      'a tensor that is missing',
      () => tinyFiles({ 'model.safetensors': without('model.layers.1.mlp.up_proj.weight') }),
      'model.missing-tensor',
      /up_proj/,
    ],
    [
      'a tensor of another shape',
      () => tinyFiles({ 'model.safetensors': reshaped() }),
      'model.missing-tensor',
      /\[32\].*\[2, 16\]/,
    ],
    [
      'a tensor too many',
      () => tinyFiles({ 'model.safetensors': extra() }),
      'model.unsupported-family',
      /family/,
    ],
    ['quantised weights', () => tinyFiles({ 'model.safetensors': quantised() }), 'safetensors.invalid', /I8/],
    [
      'weights cut short',
      () => tinyFiles({ 'model.safetensors': encodeSafetensors(tinyTensors()).slice(0, -4) }),
      'safetensors.invalid',
      /./,
    ],
    ['no configuration', () => tinyFiles({ 'config.json': null }), 'file.missing', /config\.json/],
    ['a configuration that is no JSON', () => tinyFiles({ 'config.json': '{' }), 'model.invalid-config', /./],
    [
      'a configuration with a key twice',
      () => tinyFiles({ 'config.json': '{"model_type":"llama","model_type":"x"}' }),
      'model.invalid-config',
      /./,
    ],
    [
      'a configuration of great depth',
      () => tinyFiles({ 'config.json': '['.repeat(5000) }),
      'model.invalid-config',
      /./,
    ],
    [
      'a configuration of another family',
      () => tinyFiles({ 'config.json': json({ ...tinyConfig, model_type: 'mamba' }) }),
      'model.unsupported-family',
      /mamba/,
    ],
    [
      'a configuration of two megabytes',
      () => tinyFiles({ 'config.json': ' '.repeat(2 << 20) }),
      'limit.exceeded',
      /bytes/,
    ],
    [
      'a configuration that is no text',
      () => tinyFiles({ 'config.json': Uint8Array.of(0xff, 0xfe, 0) }),
      'model.invalid-config',
      /UTF-8/,
    ],
    [
      'no tokenizer.json',
      () => tinyFiles({ 'tokenizer.json': null, 'tokenizer.model': 'x' }),
      'file.missing',
      /tokenizer\.json/,
    ],
    ['a tokenizer that is no JSON', () => tinyFiles({ 'tokenizer.json': 'x' }), 'tokenizer.invalid', /JSON/],
    [
      'a tokenizer with more tokens than the model',
      () =>
        tinyFiles({
          'config.json': json({ ...tinyConfig, vocab_size: 200 }),
          'model.safetensors': encodeSafetensors(tinyTensors({ ...tinyConfig, vocab_size: 200 })),
        }),
      'tokenizer.invalid',
      /259 tokens.*200/,
    ],
    [
      'a pattern of exponential time',
      () =>
        tinyFiles({
          'tokenizer.json': json({
            ...tokenizer,
            pre_tokenizer: {
              type: 'Split',
              pattern: { Regex: '(a+)+$' },
              behavior: 'Isolated',
              invert: false,
            },
          }),
        }),
      'tokenizer.invalid',
      /too long/,
    ],
    [
      'a template of nested loops',
      () =>
        tinyFiles({
          'tokenizer_config.json': template(
            '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}{{ messages[0].content }}',
          ),
        }),
      'template.too-slow',
      /work|too long/,
    ],
    [
      'a template that is no template',
      () => tinyFiles({ 'tokenizer_config.json': template('{% if') }),
      'template.invalid',
      /read/,
    ],
    [
      'a template that reaches for the host',
      () =>
        tinyFiles({
          'tokenizer_config.json': template(
            "{{ messages.constructor.constructor('return process')().exit() }}",
          ),
        }),
      'template.invalid',
      /./,
    ],
    [
      'a template that drops the question',
      () => tinyFiles({ 'tokenizer_config.json': template('hello') }),
      'template.invalid',
      /leaves out/,
    ],
    [
      'a template of half a megabyte',
      () => tinyFiles({ 'tokenizer_config.json': template('x'.repeat(1 << 19)) }),
      'limit.exceeded',
      /256/,
    ],
    ['a folder of nothing', () => new Map(), 'file.missing', /config\.json/],
  ])('%s', async (_, files, code, words) => {
    const library = freshLibrary()
    const problem = problemOf(await importModel(library, writeFiles(freshFolder(), files())))
    expect([problem.code, `${problem.message} ${problem.where}`]).toEqual([
      code,
      expect.stringMatching(words),
    ])
    expect(problem.remedy).not.toBe('')
    await nothingWasAdded(library)
  })

  it('a link to a file elsewhere, a hard link, a folder in the place of a file', async () => {
    const library = freshLibrary()
    const secret = join(home, `secret-${count++}`)
    writeFileSync(secret, 'not for the library')
    for (const make of [symlinkSync, linkSync]) {
      const folder = writeFiles(freshFolder(), tinyFiles({ 'tokenizer.json': null }))
      make(secret, join(folder, 'tokenizer.json'))
      expect(problemOf(await importModel(library, folder)).code).toBe('file.unsafe')
    }
    const folder = writeFiles(freshFolder(), tinyFiles({ 'config.json': null }))
    mkdirSync(join(folder, 'config.json'))
    expect(problemOf(await importModel(library, folder)).code).toBe('file.unsafe')
    await nothingWasAdded(library)
  })

  it.skipIf(process.platform === 'win32')('a pipe in the place of a file is not waited for', async () => {
    const folder = writeFiles(freshFolder(), tinyFiles({ 'config.json': null }))
    execFileSync('mkfifo', [join(folder, 'config.json')])
    expect(problemOf(await importModel(freshLibrary(), folder)).code).toBe('file.unsafe')
  })

  it('a path that does not exist, and a file that is no model', async () => {
    const library = freshLibrary()
    expect(problemOf(await importModel(library, join(home, 'nowhere'))).code).toBe('file.missing')
    const file = join(home, `text-${count++}`)
    writeFileSync(file, 'just a text that is long enough to be looked at')
    expect(problemOf(await importModel(library, file)).code).toBe('gguf.invalid')
    await nothingWasAdded(library)
  })

  it('a file that changes while it is imported', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    let isTouched = false
    const result = await importModel(library, folder, {
      onProgress: ({ phase }) => {
        if (phase !== 'writing' || isTouched) return
        isTouched = true
        truncateSync(join(folder, 'model.safetensors'), 1000)
      },
    })
    expect(problemOf(result).code).toBe('file.changed')
    await nothingWasAdded(library)
  })
})

function shardedTwice(): Map<string, Uint8Array> {
  const files = shardedFiles()
  const copy = files.get(firstShard) as Uint8Array
  files.set('model-00002-of-00002.safetensors', copy)
  return files
}

function quantised(): Uint8Array {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Int8Array }>(
    tinyTensors() as never,
  )
  const norm = tensors.get('model.norm.weight')!
  tensors.set('model.norm.weight', { shape: norm.shape, data: new Int8Array(32) })
  return encodeSafetensors(tensors)
}

describe('the library', () => {
  it('lists the newest first, finds by id, beginning of the id and name, and explains what it does not find', async () => {
    const library = freshLibrary()
    expect(await listModels(library)).toEqual({ models: [], damaged: [] })
    expect(problemOf(await showModel(library, 'tiny')).remedy).toContain('models add starter')
    const one = unwrap(
      await importModel(library, writeFiles(freshFolder(), tinyFiles()), { name: 'Tiny One' }),
    )
    const two = unwrap(
      await importModel(library, writeFiles(freshFolder(), shardedFiles()), { name: 'Tiny Two' }),
    )
    const { models } = await listModels(library)
    expect(models.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort())
    for (const name of [one.id, one.id.slice(0, 10), 'Tiny One', ' tiny one '])
      expect(unwrap(await showModel(library, name)).id).toBe(one.id)
    expect(problemOf(await showModel(library, 'Tiny Three')).remedy).toContain(`Tiny Two (${two.id})`)
    expect(problemOf(await showModel(library, 'm-0000000000000000')).code).toBe('model.unknown')
    expect(problemOf(await showModel(library, '../../etc')).code).toBe('model.unknown')
    expect(problemOf(await showModel(library, 'starter')).remedy).toContain('models add starter')
    expect(() => modelFolder(library, '../x')).toThrow()
  })

  it('asks which one where two have the same name', async () => {
    const library = freshLibrary()
    unwrap(await importModel(library, writeFiles(freshFolder(), tinyFiles()), { name: 'Twin' }))
    unwrap(await importModel(library, writeFiles(freshFolder(), shardedFiles()), { name: 'Twin' }))
    const problem = problemOf(await showModel(library, 'twin'))
    expect(problem.message).toContain('Several')
  })

  it.each<[string, (folder: string) => void, RegExp]>([
    ['no manifest', (folder) => rmSync(join(folder, 'manifest.json')), /manifest/],
    ['half a manifest', (folder) => truncateSync(join(folder, 'manifest.json'), 40), /manifest/],
    [
      'a manifest of another model',
      (folder) => editManifest(folder, (m) => ({ ...m, id: 'm-0123456789abcdef' })),
      /another/,
    ],
    [
      'a manifest with a wrong field',
      (folder) => editManifest(folder, (m) => ({ ...m, parameters: '7' })),
      /parameters/,
    ],
    ['no weights', (folder) => rmSync(join(folder, 'model.safetensors')), /missing/],
    ['weights cut short', (folder) => truncateSync(join(folder, 'model.safetensors'), 100), /100 bytes/],
  ])('reports a model with %s', async (_, harm, words) => {
    const library = freshLibrary()
    const { id } = unwrap(await importModel(library, writeFiles(freshFolder(), tinyFiles())))
    harm(modelFolder(library, id))
    const { models, damaged } = await listModels(library)
    expect(models).toEqual([])
    expect(damaged).toHaveLength(1)
    expect(damaged[0]).toMatchObject({ code: 'model.damaged', message: expect.stringMatching(words) })
    expect(problemOf(await showModel(library, id)).code).toBe('model.damaged')
    expect(problemOf(await verifyModel(library, id)).code).toBe('model.damaged')
  })
})

function editManifest(folder: string, edit: (manifest: ModelManifest) => unknown): void {
  const path = join(folder, 'manifest.json')
  writeFileSync(path, json(edit(JSON.parse(readFileSync(path, 'utf8')))))
}

describe('an import that is killed', () => {
  it('leaves nothing after the next start, and what a living process writes stays', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'slow-import.ts'), library.home, folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const during = readdirSync(library.modelsFolder)
    expect(during.filter(isTemporaryName)).toHaveLength(1)
    expect(existsSync(join(library.modelsFolder, during[0] ?? '', 'model.safetensors'))).toBe(true)
    expect(await sweepModels(library)).toEqual([])
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    expect((await listModels(library)).models).toEqual([])
    expect(await sweepModels(library)).toEqual(during)
    await nothingWasAdded(library)
    unwrap(await importModel(library, folder))
  })
})

const gguf = findStarterGguf()
describe.skipIf(gguf === null)('the starter GGUF', () => {
  it('becomes a complete float32 model', async () => {
    const library = freshLibrary()
    const manifest = unwrap(await importModel(library, gguf as string))
    expect(manifest).toMatchObject({
      family: 'llama',
      parameters: 134_515_008,
      weightType: 'float32',
      contextTokens: 8192,
      licence: 'apache-2.0',
      hasChatTemplate: true,
      source: { kind: 'gguf', from: 'SmolLM2-135M-Instruct.Q4_1.gguf' },
    })
    const norm = await readTensor(library, manifest.id, 'model.norm.weight')
    expect(norm).toHaveLength(576)
    expect(norm.every(Number.isFinite)).toBe(true)
    // Known by its weights, though it was added by hand.
    expect(unwrap(await showModel(library, 'starter')).id).toBe(manifest.id)
    rmSync(library.home, { recursive: true })
  })
})
