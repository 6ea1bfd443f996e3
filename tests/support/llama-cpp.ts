// llama.cpp as the judge of files that we write: on the processor, one thread, never built or downloaded here.
import type { Llama, LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'

/** Loaded only when asked for, so that tests that skip themselves need no binary. */
export async function openLlama(logs: 'error' | 'disabled' = 'error'): Promise<Llama> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  return getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: 1,
    progressLogs: false,
    logLevel: LlamaLogLevel[logs],
  })
}

/** A context of the model as it is, or with the LoRA GGUF of that path on it. */
export const openContext = (
  model: LlamaModel,
  contextSize: number,
  adapterPath: string | null = null,
): Promise<LlamaContext> =>
  model.createContext({
    contextSize,
    threads: 1,
    ...(adapterPath === null ? {} : { lora: { adapters: [{ filePath: adapterPath, scale: 1 }] } }),
  })

/** The first `count` tokens that follow the prompt, greedily, end-of-text tokens among them. */
export async function continueGreedily(
  sequence: LlamaContextSequence,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  const answer: number[] = []
  const tokens = sequence.evaluate([...prompt] as Token[], { temperature: 0, yieldEogToken: true })
  for await (const token of tokens) {
    answer.push(token)
    if (answer.length === count) break
  }
  return answer
}
