// The files that are written here, opened by llama.cpp itself: a tiny Llama (grouped heads, Llama 3 rotary scaling) and
// its adapter must give the probabilities that Hugging Face gives. A wrong row order of queries or keys loads without
// any error, so only numbers can tell.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Llama, LlamaModel, Token } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeNewFile } from '#core/system/durable-files.ts'
import {
  type AdapterTensor,
  ggufOfModel,
  loraGgufOf,
  type ModelTensor,
  type WritableGgufType,
} from '#formats/gguf-export.ts'
import { permuteHeads } from '#formats/gguf-names.ts'
import { unwrap } from '#shared/result.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'
import { continueGreedily, openContext, openLlama } from '../support/llama-cpp.ts'
import { findShared } from '../support/models.ts'
import { readTensors } from '../support/tensor-files.ts'

const golden = findShared('goldens/tiny/llama_rope_llama3')

interface Golden {
  readonly input_ids: number[][]
  readonly logits: number[]
  readonly greedy_prompt: number[]
  readonly greedy_12: number[]
  readonly lora: { readonly alpha: number; readonly last_logits_row0: number[] }
}

/** log softmax of one row of logits. */
function logProbabilities(logits: readonly number[]): number[] {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return logits.map((logit) => logit - Math.log(sum))
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}

/** What the adapter would be without the permutation: the writer's permutation is undone beforehand. */
function unpermuted(adapter: ReadonlyMap<string, AdapterTensor>): Map<string, AdapterTensor> {
  const result = new Map(adapter)
  for (const [name, { shape, data }] of adapter) {
    const [, side] = /([qk])_proj\.lora_B/.exec(name) ?? []
    if (side !== undefined)
      result.set(name, { shape, data: permuteHeads(data, side === 'q' ? 4 : 2, shape[1]!, 'back') })
  }
  return result
}

const writtenTypes = ['F32', 'F16', 'BF16', 'Q8_0'] as const

describe.skipIf(golden === null)('tiny Llama in llama.cpp', () => {
  let folder = ''
  let llama: Llama
  const models = new Map<WritableGgufType, LlamaModel>()
  let expected: Golden
  let config: unknown

  const write = async (name: string, chunks: AsyncIterable<Uint8Array>): Promise<string> => {
    const path = join(folder, name)
    await writeNewFile(path, chunks)
    return path
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunewright-gguf-'))
    expected = JSON.parse(await readFile(join(golden!, 'golden.json'), 'utf8')) as Golden
    config = JSON.parse(await readFile(join(golden!, 'config.json'), 'utf8'))
    const weights = await readTensors(join(golden!, 'model.safetensors'))
    const tensors: ModelTensor[] = [...weights].map(([name, { shape, data }]) => ({
      name,
      shape,
      load: async () => data,
    }))
    const { tokenizerJson, tokenizerConfig } = byteTokenizer()
    llama = await openLlama()
    for (const type of writtenTypes) {
      const chunks = unwrap(ggufOfModel(config, tokenizerJson, tokenizerConfig, tensors, type))
      models.set(type, await llama.loadModel({ modelPath: await write(`${type}.gguf`, chunks) }))
    }
  })

  afterAll(async () => {
    await llama?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  /** Log-probabilities of all 256 tokens after each position of `ids`. */
  async function score(
    type: WritableGgufType,
    ids: readonly number[],
    adapter: string | null = null,
  ): Promise<number[][]> {
    const context = await openContext(models.get(type)!, 64, adapter)
    const outputs = await context
      .getSequence()
      .controlledEvaluate(
        ids.map((id) => [
          id as Token,
          { generateNext: { probabilities: true, options: { temperature: 1, topK: 256, topP: 1, minP: 0 } } },
        ]),
      )
    await context.dispose()
    return outputs.map((output) => {
      const probabilities = output?.next.probabilities
      return Array.from({ length: 256 }, (_, id) => Math.log(probabilities?.get(id as Token) ?? 0))
    })
  }

  // Largest difference of a log-probability; llama.cpp keeps keys and values as halves, so F32 is not exact either.
  it.each([
    ['F32', 0.01],
    ['F16', 0.02],
    ['BF16', 0.1],
    ['Q8_0', 0.25],
  ] as const)('%s gives the base model’s probabilities within %d', async (type, tolerance) => {
    const ids = expected.input_ids[0]!
    const rows = await score(type, ids)
    const differences = rows.map((row, position) =>
      largestDifference(row, logProbabilities(expected.logits.slice(position * 256, (position + 1) * 256))),
    )
    expect(differences.length).toBe(ids.length)
    expect(Math.max(...differences)).toBeLessThan(tolerance)
  })

  it('gives the adapted model’s probabilities', async () => {
    const adapter = await readTensors(join(golden!, 'adapter', 'adapter_model.safetensors'))
    const path = await write('lora.gguf', unwrap(loraGgufOf(config, adapter, expected.lora.alpha)))
    const wanted = logProbabilities(expected.lora.last_logits_row0)
    const ids = expected.input_ids[0]!
    expect(largestDifference((await score('F32', ids, path)).at(-1)!, wanted)).toBeLessThan(0.01)
    // The base model is far from it, and so is the adapter with the rows of queries and keys where PEFT has them.
    expect(largestDifference((await score('F32', ids)).at(-1)!, wanted)).toBeGreaterThan(0.5)
    const misplaced = await write(
      'misplaced.gguf',
      unwrap(loraGgufOf(config, unpermuted(adapter), expected.lora.alpha)),
    )
    expect(largestDifference((await score('F32', ids, misplaced)).at(-1)!, wanted)).toBeGreaterThan(0.05)
  })

  it('continues greedily as Hugging Face does', async () => {
    const context = await openContext(models.get('F32')!, 64)
    const { greedy_prompt: prompt, greedy_12: wanted } = expected
    const answer = await continueGreedily(context.getSequence(), prompt, wanted.length)
    await context.dispose()
    expect(answer).toEqual(wanted)
  })
})
