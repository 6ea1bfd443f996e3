// A trained T5 in Hugging Face transformers and PEFT: the tokens of source and target, the loss of an answer and the
// answer that the README's program writes are ours.
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { Exported } from '#core/export/export-folder.ts'
import { exportModel } from '#core/export/export-model.ts'
import { exportPeft } from '#core/export/export-peft.ts'
import { tunedFiles, tunedKindOf } from '#core/training/tuned-version.ts'
import { openEngineVoice } from '#processes/generator/engine-voice.ts'
import { readTextSide } from '#processes/scorer/model-folder.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore, TunedVersion } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { cardFacts } from '../core/export/card-facts.ts'
import { runJobHere } from '../processes/trainer/run-job-here.ts'
import { makeT5Library } from '../processes/trainer/t5-runs.ts'
import { finishedOf } from '../processes/trainer/trainer-process.ts'
import { findPython } from '../support/models.ts'

vi.setConfig({ testTimeout: 300_000 })
const python = findPython('peft')
const script = new URL('./t5_check.py', import.meta.url).pathname
const signal = new AbortController().signal

interface Figures {
  readonly source: readonly number[]
  readonly target: readonly number[]
  readonly base_nats: number
  readonly tuned_nats: number
  readonly program: string
}

async function exportOf(job: TrainerJob, tuned: TunedVersion, home: string): Promise<Exported> {
  const exportsFolder = join(home, 'exports')
  mkdirSync(exportsFolder, { recursive: true })
  const baseModel = { ...cardFacts.baseModel, name: job.modelFolder, revision: null, isTwoHalves: true }
  const card = { ...cardFacts, baseModel, recipe: job.recipe }
  const place = { exportsFolder, name: 'check' }
  const { weightsSha256: adapterSha256 } = tuned
  const model = { folder: job.modelFolder, weightsSha256: job.recipe.model.weightsSha256 }
  return unwrap(
    tuned.kind === 'adapter'
      ? await exportPeft({ ...place, card, runFolder: job.runFolder, adapterSha256 })
      : await exportModel({ ...place, model, tuned, form: 'model', card: { ...card, form: 'model' } }),
  )
}

describe.skipIf(!python)('a trained T5 in Hugging Face programs', () => {
  test.each([
    ['adapters on all blocks', { kind: 'lora', rank: 4, alpha: 8 }, 0.01],
    [
      'DoRA on the upper three blocks',
      { kind: 'lora', rank: 4, alpha: 8, topLayers: 3, decomposed: true },
      0.01,
    ],
    ['the whole model', { kind: 'full' }, 0.003],
  ])('%s', async (_, method, learningRate) => {
    const { library, makeJob } = await makeT5Library()
    try {
      const job = await makeJob('run', { method, optimizer: { learningRate }, duration: { epochs: 6 } })
      const { instruction, threads } = job.recipe
      const weightsSha256 = finishedOf(await runJobHere(job)).adapterSha256!
      const kind = tunedKindOf(job.recipe.method)
      const tuned = { kind, folder: join(job.runFolder, tunedFiles[kind].folder), weightsSha256 }
      const message = 'trouble with my parcel !!5'
      const answer = 'shipping'
      const prompt: ChatMessage[] = [
        { role: 'system', content: instruction },
        { role: 'user', content: message },
      ]

      const text = await readTextSide(job.modelFolder)
      const source = [...unwrap(text.encodePrompt(prompt))]
      const target = [...unwrap(text.encodeExample(prompt, answer)).ids].slice(source.length)
      const scores: RowScore[] = []
      const scored = { modelFolder: job.modelFolder, tuned, threads, workFolder: library.cacheFolder }
      await scoreRows(
        { ...scored, maxTokens: 200, labels: ['access', answer], rows: [{ rowId: 'r', prompt, answer }] },
        createOnnxBackend(),
        { signal, emit: async (event) => void (event.kind === 'scores' && scores.push(...event.rows)) },
      )
      const voice = await openEngineVoice({ ...scored, cacheFolder: library.cacheFolder })
      const ids: number[] = []
      const asked = {
        prompt: source,
        maxAnswerTokens: 40,
        stopIds: new Set<number>(),
        temperature: 0,
        seed: 1,
      }
      for await (const id of voice.speak(asked)) ids.push(id)
      await voice.dispose()

      const { folder } = await exportOf(job, tuned, library.home)
      const path = join(library.home, 'ours.json')
      writeFileSync(path, JSON.stringify({ base: job.modelFolder, instruction, message, answer }))
      const { stdout } = await promisify(execFile)(python!, [script, folder, path], {
        env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1' },
      })
      const figures = JSON.parse(stdout.trim().split('\n').at(-1)!) as Figures
      expect(figures).toMatchObject({ source, target })
      expect(scores[0]!.base.lossNats).toBeCloseTo(figures.base_nats, 3)
      expect(scores[0]!.tuned!.lossNats).toBeCloseTo(figures.tuned_nats, 3)
      expect(figures.tuned_nats).toBeLessThan(figures.base_nats - 1)
      expect(figures.program.trim()).toBe(text.tokenizer.decode(ids, { skipSpecialTokens: true }))
    } finally {
      rmSync(library.home, { recursive: true, force: true })
    }
  })
})
