// A whole model as an export: what it computes is what the run's own version computes, whatever kind that is; and it is
// said plainly where a form cannot be written.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { exportModel, type WholeForm } from '#core/export/export-model.ts'
import { sha256File } from '#core/system/durable-files.ts'
import type { LoraMethod } from '#engine/index.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { HashedFolder, RowScore, TunedVersion } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { tinyMethod, writeTinyAdapter, writeTinyModel } from '../../processes/tiny-model.ts'
import { cardFacts, trainedWith } from './card-facts.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-export-model-'))
const exportsFolder = join(home, 'exports')
let model: HashedFolder
beforeAll(async () => {
  mkdirSync(exportsFolder)
  model = await hashed(writeTinyModel(join(home, 'model')), 'model.safetensors')
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const hashed = async (folder: string, name: string): Promise<HashedFolder> => ({
  folder,
  weightsSha256: await sha256File(join(folder, name)),
})
const adapterOf = async (name: string, changes: Partial<LoraMethod>): Promise<TunedVersion> => ({
  kind: 'adapter',
  ...(await hashed(
    writeTinyAdapter(join(home, name), { ...tinyMethod, ...changes }),
    'adapter_model.safetensors',
  )),
})
const wholeOf = async (folder: string): Promise<TunedVersion> => ({
  kind: 'model',
  ...(await hashed(folder, 'model.safetensors')),
})

const exported = (tuned: TunedVersion, form: WholeForm, of: HashedFolder = model) =>
  exportModel({ exportsFolder, name: `${form}`, model: of, tuned, form, card: { ...cardFacts, form } })

/** Losses of three rows as the base and as the tuned version. */
async function lossesOf(tuned: TunedVersion | null, of: HashedFolder = model) {
  const scores: RowScore[] = []
  const rows = ['one', 'two and more', 'three'].map((text, row) => ({
    rowId: `${row}`,
    prompt: [{ role: 'user' as const, content: text }],
    answer: `answer ${row}`,
  }))
  const limits = { threads: 1, maxTokens: 128, workFolder: home, labels: null }
  await scoreRows({ modelFolder: of.folder, tuned, rows, ...limits }, createOnnxBackend(), {
    emit: async (event) => {
      if (event.kind === 'scores') scores.push(...event.rows)
    },
    signal: new AbortController().signal,
  })
  scores.sort((a, b) => Number(a.rowId) - Number(b.rowId))
  return {
    base: scores.map(({ base }) => base.lossNats),
    tuned: scores.map((row) => row.tuned?.lossNats ?? Number.NaN),
  }
}

test.each([
  ['LoRA', {}],
  ['rank-stabilised LoRA', { scaling: 'rank-stabilised', alpha: 3 }],
  ['DoRA', { decomposed: true }],
] as const)('%s worked into its model gives what the adapter gives beside it', async (name, changes) => {
  const tuned = await adapterOf(name, changes)
  const { folder } = unwrap(await exported(tuned, 'model'))
  const beside = await lossesOf(tuned)
  const alone = await lossesOf(await wholeOf(folder))
  expect(beside.tuned).toHaveLength(3)
  for (const [row, loss] of beside.tuned.entries()) {
    expect(alone.tuned[row]!).toBeCloseTo(loss, 4)
    expect(Math.abs(loss - beside.base[row]!)).toBeGreaterThan(0.01)
  }
  // Whether the base is asked alone or in the session of the adapter changes nothing.
  for (const [row, loss] of (await lossesOf(null)).base.entries()) {
    expect(beside.base[row]!).toBeCloseTo(loss, 4)
    expect(alone.base[row]!).toBeCloseTo(loss, 4)
  }
})

test('a model that was trained itself is copied byte for byte, with a card that names no adapter', async () => {
  const tuned = await wholeOf(writeTinyModel(join(home, 'whole'), { rope_theta: 500 }))
  const recipe = { ...trainedWith('Sort.'), method: { ...trainedWith('').method, kind: 'full' as const } }
  const card = { ...cardFacts, form: 'model' as const, recipe }
  const { folder, files } = unwrap(
    await exportModel({ exportsFolder, name: 'whole', model, tuned, form: 'model', card }),
  )
  expect(readdirSync(folder).sort()).toEqual([
    'README.md',
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ])
  expect(files.find(({ name }) => name === 'model.safetensors')?.sha256).toBe(tuned.weightsSha256)
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  expect(readme).toContain('library_name: transformers')
  expect(readme).toContain('full fine-tuning')
  expect(readme).not.toMatch(/adapter|peft/iu)
  const wrong = { ...tuned, weightsSha256: '0'.repeat(64) }
  expect(await exported(wrong, 'model')).toMatchObject({ ok: false, problem: { code: 'checkpoint.damaged' } })
})

test('GGUF in 16 and 8 bits, and a plain refusal of a family that we do not write', async () => {
  const tuned = await adapterOf('for-gguf', { decomposed: true })
  for (const [form, name] of [
    ['gguf-f16', 'model-F16.gguf'],
    ['gguf-q8', 'model-Q8_0.gguf'],
  ] as const)
    expect(readdirSync(unwrap(await exported(tuned, form)).folder).sort()).toEqual(['README.md', name])
  const folder = writeTinyModel(join(home, 'qwen2'), { model_type: 'qwen2' })
  const foreign = await hashed(folder, 'model.safetensors')
  const before = readdirSync(exportsFolder)
  const result = await exported(tuned, 'gguf-q8', foreign)
  expect(result).toMatchObject({ ok: false, problem: { code: 'model.unsupported-family' } })
  expect(!result.ok && `${result.problem.message} ${result.problem.remedy}`).toMatch(
    /qwen2.*Llama models only.*trained, measured/su,
  )
  expect(readdirSync(exportsFolder)).toEqual(before)
  expect((await exported(tuned, 'model', foreign)).ok).toBe(true)
})
