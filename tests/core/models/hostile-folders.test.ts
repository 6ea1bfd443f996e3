// Folders made by a stranger or damaged on the way: each is refused with one Problem that names what is wrong, and
// nothing of it is in the library.
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { tinyTokenizerJson } from '../../formats/tokenizer-support.ts'
import { seeded } from '../../support/seeded.ts'
import { freshFolder, freshLibrary, home, nothingWasAdded, problemOf } from './places.ts'
import {
  shardedFiles,
  tinyConfig,
  tinyFiles,
  tinyTensors,
  tinyTokenizerConfig,
  writeFiles,
} from './tiny-model.ts'

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

const deep = '['.repeat(100_000) + ']'.repeat(100_000)

type HostileFolder = [what: string, files: () => Map<string, Uint8Array>, code: string, words: RegExp]
const leadingOut = [
  ['a path out of the folder', '../secret.safetensors'],
  ['an absolute path', '/etc/x.safetensors'],
  ['a Windows path', '..\\x.safetensors'],
  ['a device path', '\\\\?\\C:\\x.safetensors'],
  ['another stream of a file', 'a.bin:x.safetensors'],
  ['a device name', 'CON.safetensors'],
  ['a hidden file', '.x.safetensors'],
  ['a name of 300 characters', `${'a'.repeat(300)}.safetensors`],
  ['a letter that looks like another', 'mоdel.safetensors'],
].map(([what, x]): HostileFolder => {
  const files = () => weightMap((map) => ({ ...map, x }))
  return [`${what} in the index`, files, 'file.unsafe', /lead out/]
})

describe('hostile and broken folders', () => {
  it.each<HostileFolder>([
    ...leadingOut,
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
      'a tokenizer of great depth',
      () => tinyFiles({ 'tokenizer.json': `{"model":${deep}}` }),
      'tokenizer.invalid',
      /JSON/,
    ],
    [
      'a tokenizer configuration of great depth',
      () => tinyFiles({ 'tokenizer_config.json': `{"x":${deep}}` }),
      'tokenizer.invalid',
      /JSON/,
    ],
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
    const secret = join(home, 'secret')
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
    const file = join(home, 'text')
    writeFileSync(file, 'just a text that is long enough to be looked at')
    expect(problemOf(await importModel(library, file)).code).toBe('gguf.invalid')
    const folder = writeFiles(freshFolder(), tinyFiles({ 'pytorch_model.bin': 'x' }))
    const single = (name: string) => importModel(library, join(folder, name))
    expect(problemOf(await single('pytorch_model.bin'))).toMatchObject({
      code: 'file.unsafe',
      message: expect.stringContaining('never opened'),
    })
    expect(problemOf(await single('model.safetensors')).remedy).toContain('folder')
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

  it('a file that is removed before it is hashed', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    const result = await importModel(library, folder, {
      onProgress: ({ phase }) => {
        if (phase === 'reading') rmSync(join(folder, 'tokenizer.json'), { force: true })
      },
    })
    expect(problemOf(result)).toMatchObject({
      code: 'file.missing',
      where: expect.stringContaining('tokenizer.json'),
    })
    await nothingWasAdded(library)
  })
})

describe('mutants of good folders', () => {
  it('end in a model or one Problem, never in anything else', async () => {
    const library = freshLibrary()
    const chance = seeded(77)
    const values = [
      'null',
      'true',
      '-1',
      '1e400',
      '"x"',
      '[]',
      '{}',
      '99999999999999999999',
      '"../x"',
      '[[]]',
    ]
    const mutants = process.env.TUNEWRIGHT_LONG ? 1000 : 30
    let refused = 0
    for (let count = 0; count < mutants; count += 1) {
      const files = chance.below(2) === 0 ? tinyFiles() : shardedFiles()
      const name = chance.pick([...files.keys()].filter((file) => file.endsWith('.json')))
      const text = new TextDecoder().decode(files.get(name))
      const found = chance.pick([...text.matchAll(/:\s*("(?:[^"\\]|\\.)*"|-?[\d.e+]+|true|false|null)/g)])
      const changed = chance.pick([
        () =>
          `${text.slice(0, found.index)}:${chance.pick(values)}${text.slice(found.index + found[0].length)}`,
        () => text.slice(0, chance.below(text.length)),
        () => text.replace(found[0], ''),
      ])()
      const folder = writeFiles(freshFolder(), files.set(name, new TextEncoder().encode(changed)))
      const result = await importModel(library, folder)
      if (!result.ok) {
        refused += 1
        expect(result.problem.remedy).not.toBe('')
      }
    }
    expect(refused).toBeGreaterThan(mutants / 3)
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
