// Labels of a model with sliding windows, scored as each is alone: rows within the window and beyond it in one job.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readAdapter } from '#core/models/adapter-folder.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import { type ProofSide, proofSides, type ScorerEvent } from '#shared/proof-protocol.ts'
import { tinyConfig, tinyMethod, writeTinyAdapter, writeTinyModel } from '../tiny-model.ts'
import { inMemory, scoreAlone } from './alone.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-window-labels-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Of the rows below the first two are shorter with every label, the last is longer. */
const window = 40
const gemma = {
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 8,
  sliding_window: window,
  sliding_window_pattern: 2,
}
const families = [
  { model_type: 'mistral', sliding_window: window },
  { model_type: 'gemma2', ...gemma },
  { model_type: 'gemma3_text', ...gemma },
]

const labels = ['billing', 'bug', 'bill', 'feature', 'ü']
const rows = ['paid 2x', 'no sound', 'Please add a dark mode to the settings page'].map((content, row) => ({
  rowId: `r${row}`,
  prompt: [{ role: 'user' as const, content }],
  answer: labels[row]!,
}))

describe.each(families)('$model_type', (family) => {
  const modelFolder = writeTinyModel(join(home, family.model_type), family)
  const adapterFolder = writeTinyAdapter(join(home, `${family.model_type}-adapter`))
  const tuned = { kind: 'adapter' as const, folder: adapterFolder, weightsSha256: '0'.repeat(64) }
  const job = { modelFolder, tuned, workFolder: home, threads: 1, maxTokens: 256, rows, labels }

  let wanted: Readonly<Record<ProofSide, ReadonlyMap<string, number[]>>>
  beforeAll(async () => {
    const { tensors } = await readAdapter(adapterFolder, tinyConfig)
    wanted = { base: await scoreAlone(job), tuned: await scoreAlone(job, tinyMethod, tensors) }
  })

  // Beyond the window the verdict of a proof rested on likelihoods that no answer has.
  test.each(['reference', 'onnxruntime'])('base and tuned on %s', async (name) => {
    const backend = name === 'reference' ? inMemory() : createOnnxBackend()
    const events: ScorerEvent[] = []
    const emit = async (event: ScorerEvent): Promise<void> => {
      events.push(event)
    }
    await scoreRows(job, backend, { emit, signal: new AbortController().signal })
    const found = events.flatMap((event) => (event.kind === 'scores' ? [event] : []))
    const scores = new Map(found.flatMap((event) => event.rows).map((row) => [row.rowId, row]))
    expect(found.flatMap((event) => event.rows).map(({ rowId }) => rowId)).toEqual(['r1', 'r0', 'r2'])
    expect(found.at(-1)).toMatchObject({ done: 3, total: 3 })
    for (const { rowId, answer } of rows)
      for (const side of proofSides) {
        const { labelLogProbs, lossNats } = scores.get(rowId)![side]!
        for (const [at, value] of wanted[side].get(rowId)!.entries())
          expect(labelLogProbs![at]).toBeCloseTo(value, 3)
        expect(lossNats).toBe(-labelLogProbs![labels.indexOf(answer)]!)
      }
  })
})
