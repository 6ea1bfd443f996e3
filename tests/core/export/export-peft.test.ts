import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { safeFolderName } from '#core/export/export-folder.ts'
import { exportPeft } from '#core/export/export-peft.ts'
import { modelCard } from '#core/export/model-card.ts'
import { isTemporaryName, sha256File } from '#core/system/durable-files.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'
import { writeTinyAdapter } from '../../processes/tiny-model.ts'
import { cardFacts as card } from './card-facts.ts'

const interval = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 })
const measured: ProofSummary = {
  version: 1,
  rows: 40,
  leftOut: [],
  metric: 'accuracy',
  baseline: { metric: 'accuracy', ...interval(0.4) },
  tuned: { metric: 'accuracy', ...interval(0.9) },
  difference: interval(0.5),
  verdict: { kind: 'better', sentence: 'Training made the model better.' },
  comparisons: [
    {
      metric: 'accuracy',
      isHigherBetter: true,
      base: interval(0.4),
      tuned: interval(0.9),
      difference: interval(0.5),
    },
    {
      metric: 'lossNats',
      isHigherBetter: false,
      base: interval(3),
      tuned: interval(1),
      difference: interval(-2),
    },
  ],
  labels: null,
  confidence: null,
  methods: {},
  kinds: [],
  lengths: [],
  intervals: { method: 'bootstrap', resamples: 4000, seed: 1, level: 0.95 },
  backend: 'test',
  seconds: 1,
  scoringSeconds: 1,
  answeringSeconds: 0,
}

let home = ''
let spec: Parameters<typeof exportPeft>[0]
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tunewright-export-'))
  const runFolder = join(home, 'run')
  const exportsFolder = join(home, 'exports')
  mkdirSync(exportsFolder)
  writeTinyAdapter(join(runFolder, 'adapter'))
  const adapterSha256 = await sha256File(join(runFolder, 'adapter', 'adapter_model.safetensors'))
  spec = { runFolder, adapterSha256, exportsFolder, name: 'tickets', card }
})
afterEach(() => {
  rmSync(home, { recursive: true, force: true })
})

describe('exporting an adapter', () => {
  test('the weights are the same bytes; config and card are beside them', async () => {
    const result = await exportPeft(spec)
    if (!result.ok) throw new Error(result.problem.message)
    const { folder, files } = result.value
    expect(folder).toBe(join(spec.exportsFolder, 'tickets'))
    expect(readdirSync(folder).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
    ])
    expect(readFileSync(join(folder, 'adapter_model.safetensors'))).toEqual(
      readFileSync(join(spec.runFolder, 'adapter', 'adapter_model.safetensors')),
    )
    for (const file of files) expect(await sha256File(join(folder, file.name))).toBe(file.sha256)
    const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
    expect(config).toMatchObject({
      base_model_name_or_path: 'HuggingFaceTB/SmolLM2-135M-Instruct',
      revision: 'c'.repeat(40),
      r: 4,
      lora_alpha: 8,
    })
  })

  test('a second export gets a new name; the first is untouched', async () => {
    const first = await exportPeft(spec)
    const before = readFileSync(join(spec.exportsFolder, 'tickets', 'README.md'), 'utf8')
    const second = await exportPeft({ ...spec, card: { ...card, runName: 'another' } })
    expect(first.ok && second.ok && second.value.folder).toBe(join(spec.exportsFolder, 'tickets 2'))
    expect(first.ok && first.value.wasRenamed).toBe(false)
    expect(second.ok && second.value.wasRenamed).toBe(true)
    const readme = readFileSync(join(spec.exportsFolder, 'tickets 2', 'README.md'), 'utf8')
    expect(readme).toContain('FOLDER = "tickets 2"\n')
    expect(readFileSync(join(spec.exportsFolder, 'tickets', 'README.md'), 'utf8')).toBe(before)
  })

  test('an adapter that is not the one the run wrote is not exported', async () => {
    const path = join(spec.runFolder, 'adapter', 'adapter_model.safetensors')
    const bytes = readFileSync(path)
    bytes[bytes.length - 3]! ^= 1
    writeFileSync(path, bytes)
    const result = await exportPeft(spec)
    expect(result).toMatchObject({ ok: false, problem: { code: 'checkpoint.damaged' } })
    expect(readdirSync(spec.exportsFolder)).toEqual([])
  })

  test('weights that vanished are a Problem; a stream that failed unheard ended the whole process', async () => {
    rmSync(join(spec.runFolder, 'adapter', 'adapter_model.safetensors'))
    expect(await exportPeft(spec)).toMatchObject({ ok: false, problem: { code: 'checkpoint.damaged' } })
    expect(readdirSync(spec.exportsFolder)).toEqual([])
  })

  test('a run without an adapter is told to finish first', async () => {
    rmSync(join(spec.runFolder, 'adapter'), { recursive: true })
    expect(await exportPeft(spec)).toMatchObject({ ok: false, problem: { code: 'run.not-finished' } })
  })

  test('a file where the exports folder should be is a Problem', async () => {
    const blocked = join(home, 'a-file')
    writeFileSync(blocked, '')
    const result = await exportPeft({ ...spec, exportsFolder: blocked })
    expect(result).toMatchObject({ ok: false, problem: { code: 'disk.failed' } })
  })
})

describe('the model card', () => {
  test('says that nothing was measured where there is no proof', () => {
    expect(modelCard(card, 'tickets')).toContain('has not been measured on its test set yet')
  })

  test('shows figures with intervals and the verdict', () => {
    const text = modelCard({ ...card, proof: measured }, 'tickets')
    expect(text).toContain('Training made the model better.')
    expect(text).toContain(
      '| Right answers (accuracy) | 40.0 % (35.0 % to 45.0 %) | 90.0 % (85.0 % to 95.0 %) | +50.0 points (+45.0 to +55.0) |',
    )
    expect(text).toContain('| 3.000 (2.950 to 3.050) | 1.000 (0.950 to 1.050) | -2.000 (-2.050 to -1.950) |')
    expect(text).toContain('The test set was small (40 rows).')
  })

  test('tells of labels and of words, and not of tokens, where a new last layer names them', () => {
    const ofTexts = modelCard({ ...card, proof: { ...measured, beside: 'nearest-class' } }, 'tickets')
    expect(ofTexts).toContain('Surprise by the right label (loss, nats a label), lower is better')
    expect(ofTexts).toContain('each text has the label whose training rows')
    const ofNames = { ...measured, beside: 'nearest-class', metric: 'entityF1' } as const
    expect(modelCard({ ...card, proof: ofNames }, 'tickets')).toContain('each word is taken for a name of')
    expect(modelCard({ ...card, proof: measured }, 'tickets')).toContain('nats a token')
  })

  test('names the texts that were read first', () => {
    const before = { fingerprint: 'f00d', epochs: 2, learningRate: null }
    expect(modelCard(card, 'tickets')).not.toContain('First, before its rows')
    expect(modelCard({ ...card, recipe: { ...card.recipe, before } }, 'tickets')).toContain(
      '* First, before its rows: texts of the field (domain text), 2 passes, learning rate 0.0002; data f00d',
    )
  })

  test('a change that rounds to nothing has no sign', () => {
    const none = { value: -0.0002, low: -0.0004, high: 0.0004 }
    const comparisons = measured.comparisons.map((one) => ({ ...one, difference: none }))
    const text = modelCard({ ...card, proof: { ...measured, comparisons } }, 'tickets')
    expect(text).toContain('| 0.0 points (0.0 to 0.0) |')
  })

  test('foreign names cannot become markup or YAML', () => {
    const hostile = 'x\n---\nlicense: evil\n# <img src=x onerror=alert(1)> [a](http://e.org) www.e.org'
    const baseModel = { ...card.baseModel, name: hostile, revision: hostile, licence: hostile, copy: hostile }
    const text = modelCard(
      { ...card, runName: hostile, baseModel, data: { ...card.data, fileName: hostile } },
      'tickets',
    )
    const lines = text.split('\n')
    expect(lines.filter((line) => line === '---')).toHaveLength(2)
    expect(lines.some((line) => line.startsWith('license: evil'))).toBe(false)
    const whole = lines.slice(lines.lastIndexOf('---') + 1).join('\n')
    // Inside the block of code the name is a Python string of one line, which cannot end the block.
    const body = whole.replace(/^```python\n[\s\S]*?\n```$/mu, '')
    expect(body).not.toContain('```')
    expect(body).not.toMatch(/(?<!\\)<img|(?<!\\)\[a|http:\/\/|www\.e/)
  })

  test('the instruction stands word for word in a block without meaning', () => {
    expect(modelCard(card, 'tickets')).toContain('    Answer with the label.\n    # and nothing else')
  })

  test('says which copy was trained, and that scores differ a little with the weights of the hub', () => {
    const text = modelCard(card, 'tickets')
    expect(text).toContain('trained and measured with a 4-bit (Q4\\_1) copy (file x.gguf), stored as float32')
    expect(text).toContain('expect small differences from the scores')
    const exact = modelCard({ ...card, baseModel: { ...card.baseModel, isExact: true } }, 'tickets')
    expect(exact).not.toContain('small differences')
  })

  test('a model that is not on the hub is said to be perhaps not found', () => {
    const baseModel = { ...card.baseModel, name: 'my model', revision: null, isExact: true }
    const text = modelCard({ ...card, baseModel }, 'tickets')
    expect(text).toContain('perhaps not one that yours can find')
    expect(text).toContain('AutoTokenizer.from_pretrained(BASE)')
    expect(text).not.toContain('Hugging Face hub, revision')
  })
})

test.each([
  ['tickets', 'tickets'],
  ['a/b\\c:d', 'a-b-c-d'],
  ['..', 'adapter'],
  ['', 'adapter'],
  ['CON', 'CON-adapter'],
  ['nul.txt', 'nul.txt-adapter'],
  ['Übung 3', 'Übung 3'],
  ['  trailing. ', 'trailing'],
  ['हिन्दी', 'हिन्दी'],
  [`${'a'.repeat(79)}𠀀𠀀`, `${'a'.repeat(79)}𠀀`],
  ['問'.repeat(90), expect.stringMatching(/^adapter-[0-9a-f]{12}$/)],
  ['notes.tmp-2', 'notes-tmp-2'],
])('folder name for %j', (name, expected) => {
  expect(safeFolderName(name)).toEqual(expected)
  expect(isTemporaryName(safeFolderName(name))).toBe(false)
})
