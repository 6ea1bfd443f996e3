// The starter model written as F16 GGUF and opened by llama.cpp: it answers as Hugging Face's reference does, and with a
// LoRA adapter it has the loss that PEFT has. Long: it writes 270 MB and scores with one thread.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Llama, LlamaModel, Token } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeNewFile } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { readGguf } from '#formats/gguf.ts'
import { type AdapterTensor, ggufOfModel, loraGgufOf } from '#formats/gguf-export.ts'
import { huggingFaceModelOf, type LlamaConfig } from '#formats/gguf-model.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { unwrap } from '#shared/result.ts'
import { continueGreedily, openContext, openLlama } from '../support/llama-cpp.ts'
import { findShared, findStarterGguf } from '../support/models.ts'
import { readTensors, readWholeNumbers } from '../support/tensor-files.ts'

const starter = findStarterGguf()
const goldens = findShared('goldens')

interface GreedyRow {
  readonly prompt: string
  readonly prompt_ids: number[]
  readonly new_ids_64_ignore_eos: number[]
  readonly n_before_eos: number
  /** Distance of the best from the second-best logit at each new token. */
  readonly margin: number[]
}

describe.skipIf(starter === null || goldens === null)(
  'the starter model as F16',
  { timeout: 3_600_000 },
  () => {
    let folder = ''
    let llama: Llama
    let model: LlamaModel
    let config: LlamaConfig

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tunewright-starter-'))
      const source = await openFileBytes(starter!)
      const gguf = unwrap(await readGguf(source))
      const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(gguf.metadata))
      const described = unwrap(await huggingFaceModelOf(gguf, source))
      config = described.config
      const tensors = described.tensors.map(({ name, shape, load }) => ({
        name,
        shape,
        load: async () => unwrap(await load(source)),
      }))
      const modelPath = join(folder, 'starter.gguf')
      await writeNewFile(
        modelPath,
        unwrap(ggufOfModel(config, tokenizerJson, tokenizerConfig, tensors, 'F16')),
      )
      await source.close()
      llama = await openLlama()
      model = await llama.loadModel({ modelPath })
    }, 600_000)

    afterAll(async () => {
      await llama?.dispose()
      await rm(folder, { recursive: true, force: true })
    })

    it('answers greedily as the reference, wherever the reference is not nearly undecided', async () => {
      const rows = JSON.parse(await readFile(join(goldens!, 'smollm2/greedy.json'), 'utf8')) as GreedyRow[]
      const context = await openContext(model, 512)
      const sequence = context.getSequence()
      let same = 0
      for (const row of rows) {
        await sequence.clearHistory()
        const wanted = row.new_ids_64_ignore_eos.slice(0, row.n_before_eos)
        const answer = await continueGreedily(sequence, row.prompt_ids, wanted.length)
        const at = wanted.findIndex((token, i) => token !== answer[i])
        if (at < 0) same += 1
        else
          expect({ prompt: row.prompt, margin: row.margin[at]! < 0.1 }).toEqual({
            prompt: row.prompt,
            margin: true,
          })
      }
      console.info(`${same} of ${rows.length} answers are the same token for token`)
      await context.dispose()
      expect(same).toBeGreaterThan(rows.length / 2)
    })

    it('has PEFT’s loss with an adapter, and the base model’s without', async () => {
      const adapter = new Map<string, AdapterTensor>()
      for (const [file, side] of [
        ['adapter_init', 'lora_A'],
        ['variants_B', 'lora_B'],
      ] as const)
        for (const [name, tensor] of await readTensors(join(goldens!, `smollm2-lora/${file}.safetensors`)))
          if (name.includes(side)) adapter.set(name.replace('.default', ''), tensor)
      const path = join(folder, 'adapter.gguf')
      await writeNewFile(path, unwrap(loraGgufOf(config, adapter, 16)))
      const { results } = JSON.parse(
        await readFile(join(goldens!, 'smollm2-lora/variants.json'), 'utf8'),
      ) as {
        results: Record<'lora_B0' | 'lora', { loss: number; n_targets: number }>
      }
      const base = await firstStepLoss(null)
      const tuned = await firstStepLoss(path)
      console.info(
        `loss ${base.lossNats} (PEFT ${results.lora_B0.loss}), adapted ${tuned.lossNats} (PEFT ${results.lora.loss})`,
      )
      expect(base.targets).toBe(results.lora_B0.n_targets)
      expect(Math.abs(base.lossNats - results.lora_B0.loss)).toBeLessThan(5e-3)
      expect(Math.abs(tuned.lossNats - results.lora.loss)).toBeLessThan(5e-3)
      // What the adapter changes, free of what halves change in the base model.
      const effect = tuned.lossNats - base.lossNats
      expect(Math.abs(effect - (results.lora.loss - results.lora_B0.loss))).toBeLessThan(2e-3)
    })

    /** Mean loss over the labelled tokens of the four rows of the reference's first step. */
    async function firstStepLoss(adapter: string | null): Promise<{ lossNats: number; targets: number }> {
      const path = join(goldens!, 'smollm2-lora/batches.safetensors')
      const allIds = await readWholeNumbers(path, 'input_ids')
      const allLabels = await readWholeNumbers(path, 'labels')
      const mask = await readWholeNumbers(path, 'attention_mask')
      const context = await openContext(model, 256, adapter)
      const sequence = context.getSequence()
      let total = 0
      let targets = 0
      for (let row = 0; row < 4; row += 1) {
        const rowOf = (batch: Int32Array) => batch.subarray(row * 128, (row + 1) * 128)
        const labels = rowOf(allLabels)
        const length = rowOf(mask).reduce((sum, mark) => sum + mark, 0)
        const ids = [...rowOf(allIds).subarray(0, length)] as Token[]
        await sequence.clearHistory()
        const options = { temperature: 1, topK: config.vocab_size, topP: 1, minP: 0 }
        const outputs = await sequence.controlledEvaluate(
          ids
            .slice(0, -1)
            .map((id, i) =>
              labels[i + 1] === -100 ? id : [id, { generateNext: { probabilities: true, options } }],
            ),
        )
        for (const [i, output] of outputs.entries()) {
          if (labels[i + 1] === -100) continue
          total -= Math.log(output!.next.probabilities!.get(ids[i + 1]!)!)
          targets += 1
        }
      }
      await context.dispose()
      return { lossNats: total / targets, targets }
    }
  },
)
