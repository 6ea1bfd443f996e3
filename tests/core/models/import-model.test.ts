// Models into the library: what comes in is the same numbers, checked and hashed; what must not come in names itself.
import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import type { ModelManifest } from '#core/models/manifest.ts'
import { listModels, modelFolder, showModel, sweepModels, verifyModel } from '#core/models/model-library.ts'
import { isTemporaryName, sha256File, temporaryPath } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import type { Library } from '#core/system/library.ts'
import { encodeSafetensors, readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { findStarterGguf } from '../../support/models.ts'
import { freshFolder, freshLibrary, home, nothingWasAdded, problemOf } from './places.ts'
import { shardedFiles, tinyFiles, tinyTensors, tinyTokenizerConfig, writeFiles } from './tiny-model.ts'

async function readTensor(library: Library, id: string, name: string): Promise<Float32Array> {
  const file = await openFileBytes(join(modelFolder(library, id), 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    return unwrap(await readFloat32(file, tensors.get(name)!))
  } finally {
    await file.close()
  }
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

  it('added twice at the same time is one model', async () => {
    const library = freshLibrary()
    const folder = writeFiles(freshFolder(), tinyFiles())
    const both = await Promise.all([importModel(library, folder), importModel(library, folder)])
    const [one, two] = both.map(unwrap)
    expect(one).toEqual(two)
    expect(readdirSync(library.modelsFolder)).toEqual([one?.id])
    unwrap(await verifyModel(library, one?.id ?? ''))
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
    expect(models.map(({ id }) => id)).toEqual([two.id, one.id])
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
    expect(problemOf(await showModel(library, 'twin')).message).toContain('Several')
    // A name that nobody has is no matter of twins.
    expect(problemOf(await showModel(library, 'nobody')).message).toContain('no such model')
  })

  it("keeps a stranger's words as one visible line", async () => {
    const library = freshLibrary()
    const folder = writeFiles(join(freshFolder(), 'tiny\u001b[31m'), tinyFiles())
    const licence = `mit\u202e\u001b]0;title\u0007\n${'x'.repeat(1000)}`
    const manifest = unwrap(await importModel(library, folder, { licence }))
    expect(manifest.licence).toMatch(/^mit {2}\]0;title {2}x{1,200}$/)
    expect([manifest.name, manifest.source.from]).toEqual(['tiny [31m', 'tiny [31m'])
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
  writeFileSync(path, JSON.stringify(edit(JSON.parse(readFileSync(path, 'utf8')))))
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

describe('a temporary folder without a mark', () => {
  it('was made, or is being finished, just now; an old one is swept', async () => {
    const library = freshLibrary()
    const fresh = temporaryPath(join(library.modelsFolder, 'm-1'))
    const old = temporaryPath(join(library.modelsFolder, 'm-2'))
    for (const folder of [fresh, old]) mkdirSync(folder)
    utimesSync(old, new Date(0), new Date(0))
    expect(await sweepModels(library)).toEqual([basename(old)])
    expect(readdirSync(library.modelsFolder)).toEqual([basename(fresh)])
  })
})

const gguf = findStarterGguf()
describe.skipIf(gguf === null)('the starter GGUF', () => {
  it('becomes a complete float32 model', async () => {
    const library = freshLibrary()
    const manifest = unwrap(await importModel(library, gguf as string))
    expect(manifest).toMatchObject({
      // Not "Smollm2 135M 8k Lc100K Mix1 Ep2", as the file itself says.
      name: 'SmolLM2-135M-Instruct',
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
    // A library of an earlier version has the file's own name.
    const path = join(modelFolder(library, manifest.id), 'manifest.json')
    chmodSync(path, 0o600)
    writeFileSync(path, JSON.stringify({ ...manifest, name: 'Smollm2 135M 8k Lc100K Mix1 Ep2' }))
    expect(unwrap(await showModel(library, 'starter')).name).toBe('SmolLM2-135M-Instruct')
    rmSync(library.home, { recursive: true })
  })
})
