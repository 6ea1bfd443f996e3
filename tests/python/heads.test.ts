// A new last layer in Hugging Face transformers: the class that the folder names has our logits, and the program of its
// README says what we say.
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { writeTinyEncoder } from '../processes/tiny-encoder.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { makeHeadRuns } from '../processes/trainer/head-runs.ts'
import { ownLogits, trainAndExport } from '../support/exported-head.ts'
import { findPython } from '../support/models.ts'

vi.setConfig({ testTimeout: 300_000 })
const python = findPython('transformers')
const script = new URL('./head_check.py', import.meta.url).pathname

interface Figures {
  readonly class: string
  readonly ids: readonly number[]
  readonly difference: number | null
  readonly missing: readonly string[]
  readonly program: string
}

const bert = (folder: string) => writeTinyEncoder(folder, { architectures: ['BertForMaskedLM'] })
/** Its tokenizer with every field that the tokenizers library asks for. */
const decoder = (changes: Record<string, unknown>) => (folder: string) => {
  writeTinyModel(folder, changes)
  const path = join(folder, 'tokenizer.json')
  const known = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  writeFileSync(path, JSON.stringify({ ...known, decoder: known.pre_tokenizer }))
  return folder
}
const head = { method: { kind: 'head' } }
const both = {
  method: { kind: 'lora-head', rank: 4, alpha: 8 },
  optimizer: { learningRate: 0.01 },
  duration: { epochs: 3 },
}
const whole = {
  method: { kind: 'full-head' },
  optimizer: { learningRate: 0.005 },
  duration: { epochs: 6 },
}
const llama = { pad_token_id: 258 }
const granite = {
  model_type: 'granite',
  architectures: ['GraniteForCausalLM'],
  embedding_multiplier: 2,
  attention_multiplier: 0.3,
  residual_multiplier: 0.5,
  logits_scaling: 2,
}

describe.skipIf(!python)('an exported last layer in transformers', () => {
  test.each([
    ['texts, BERT', bert, 'classification', head, 'BertForSequenceClassification'],
    ['texts, BERT and an adapter', bert, 'classification', both, 'BertForSequenceClassification'],
    ['words, BERT', bert, 'entity-recognition', head, 'BertForTokenClassification'],
    ['texts, BERT, all of it', bert, 'classification', whole, 'BertForSequenceClassification'],
    ['words, BERT, all of it', bert, 'entity-recognition', whole, 'BertForTokenClassification'],
    ['texts averaged', writeTinyEncoder, 'classification', head, 'BertModel'],
    ['texts averaged, and an adapter', writeTinyEncoder, 'classification', both, 'BertModel'],
    ['texts, Llama', decoder(llama), 'classification', both, 'LlamaForSequenceClassification'],
    ['words, Llama', decoder(llama), 'entity-recognition', head, 'LlamaForTokenClassification'],
    ['texts, Granite', decoder(granite), 'classification', head, 'GraniteForCausalLM'],
  ] as const)('%s', async (_, write, scenario, changes, className) => {
    const runs = await makeHeadRuns(write)
    try {
      const made = await trainAndExport(runs, scenario, { ...changes, seed: 4 })
      const isTagged = scenario === 'entity-recognition'
      const text = isTagged ? 'anna went to oslo 3' : 'trouble with my parcel 7'
      const own = await ownLogits(made, text)
      const path = join(runs.tiny.library.home, 'ours.json')
      writeFileSync(path, JSON.stringify({ text, ids: own.ids, logits: [...own.logits] }))
      const { stdout } = await promisify(execFile)(python!, [script, made.exported.folder, path], {
        env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1' },
      })
      const figures = JSON.parse(stdout.trim().split('\n').at(-1)!) as Figures
      expect(figures).toMatchObject({ class: className, ids: own.ids, missing: [] })
      if (className.includes('Classification')) expect(figures.difference).toBeLessThan(1e-4)
      else expect(figures.difference).toBeNull()
      if (!isTagged) expect(sharesIn(figures.program)).toEqual(new Map(sharesOf(own.logits, made.classNames)))
      else expect(figures.program).toMatch(/^(PERSON|PLACE) /m)
    } finally {
      rmSync(runs.tiny.library.home, { recursive: true, force: true })
    }
  })
})

const rounded = (share: number): number => Math.round(share * 100) / 100

/** To two digits: the program prints three. */
const sharesIn = (printed: string): Map<string, number> =>
  new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([label, share]) => [label!, rounded(Number(share))]),
  )

function sharesOf(logits: Float32Array, names: readonly string[]): [string, number][] {
  const powers = Array.from(logits, Math.exp)
  const sum = powers.reduce((a, b) => a + b, 0)
  return names.map((name, index) => [name, rounded(powers[index]! / sum)])
}
