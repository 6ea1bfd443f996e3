// llama.cpp by node-llama-cpp: one model, answers written side by side, greedy. Opens only GGUF files that Tunewright
// wrote itself. Knows token ids, no text.
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import { throwIfCancelled } from '../serve-job.ts'

/** A model that answers, with what is put on it. Knows token ids, no text. */
export interface Voice {
  /** Answers every prompt; `onAnswer` is called as each ends, in no particular order. */
  answer(request: AnswerRequest): Promise<void>
  /** Tokens that model and context can hold together. */
  readonly mostTokens: number
  /** One answer, token by token: ends before a stop id, or when it is left. */
  speak(request: SpeechRequest): AsyncGenerator<number, void>
}

export interface LlamaSession {
  /** The model with this LoRA GGUF put on it; null: as it is. */
  voice(adapterPath: string | null): Voice
  dispose(): Promise<void>
}

export interface AnswerRequest {
  /** Token ids of each prompt, special tokens included: nothing is added. */
  readonly prompts: readonly (readonly number[])[]
  readonly maxAnswerTokens: number
  /** The answer ends before one of these, or before a token that the model file calls an end. */
  readonly stopIds: ReadonlySet<number>
  readonly sequences: number
  readonly signal: AbortSignal
  readonly onAnswer: (
    index: number,
    ids: readonly number[],
    ended: 'end-of-turn' | 'token-limit',
  ) => Promise<void>
}

export interface SpeechRequest extends Pick<AnswerRequest, 'stopIds'> {
  readonly prompt: readonly number[]
  readonly maxAnswerTokens: number
  /** 0 takes the likeliest token; else tokens are drawn, the same for the same seed. */
  readonly temperature: number
  readonly seed: number
}

/** Never builds, downloads or searches: the binary that the package brought, on the processor. */
export async function openLlamaSession(modelPath: string, threads: number): Promise<LlamaSession> {
  // Loaded here: the package is an ES module that awaits while it loads, which a bundle in CommonJS cannot require.
  const { getLlama } = await import('node-llama-cpp')
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    progressLogs: false,
  })
  const model = await llama.loadModel({ modelPath })
  const used = await fasterThreads(model, threads)
  return {
    voice: (adapterPath) => ({
      answer: (request) => answerAll({ model, threads: used, adapterPath }, request),
      mostTokens: model.trainContextSize,
      speak: (request) => speak({ model, threads: used, adapterPath }, request),
    }),
    dispose: async () => {
      await model.dispose()
      await llama.dispose()
    },
  }
}

interface Speaker {
  readonly model: LlamaModel
  readonly threads: number
  readonly adapterPath: string | null
}

/** Tokens that each number of threads is tried with. */
const trialTokens = 6

/**
 * `threads`, or 1 where that is faster: llama.cpp's threads wait for each other by spinning, so on cores that are
 * already busy two threads were measured 10 to 30 times slower than one (docs/proof.md).
 */
async function fasterThreads(model: LlamaModel, threads: number): Promise<number> {
  if (threads === 1) return 1
  return (await trialMs(model, threads)) <= (await trialMs(model, 1)) ? threads : 1
}

async function trialMs(model: LlamaModel, threads: number): Promise<number> {
  const context = await model.createContext({ contextSize: 128, sequences: 1, threads })
  try {
    const start = model.tokens.bos ?? model.tokens.eos ?? (0 as Token)
    const tokens = context.getSequence().evaluate([start], { temperature: 0, yieldEogToken: true })
    await tokens.next()
    const startMs = performance.now()
    for (let token = 0; token < trialTokens; token += 1) await tokens.next()
    return performance.now() - startMs
  } finally {
    await context.dispose()
  }
}

/**
 * Lets one sequence after the other take its next token. node-llama-cpp 3.21 samples the sequences of a batch in
 * parallel threads, and llama.cpp puts the rows of logits in order at the first look, unguarded (llama_get_logits_ith,
 * output_reorder): two looks at once now and then gave one sequence the other's token (docs/proof.md). False where the
 * package does not have the call that this wraps; then only one sequence may be used.
 */
function sampleInTurn(context: LlamaContext): boolean {
  const inner = (context as unknown as { _ctx?: { sampleToken?: unknown } })._ctx
  const sample = inner?.sampleToken
  if (!inner || typeof sample !== 'function') return false
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (...operands: unknown[]): Promise<unknown> => {
    const next = last.then(() => sample.apply(inner, operands) as unknown)
    last = next.catch(() => {})
    return next
  }
  // The native class marks its methods read-only, so that plain assignment throws.
  Object.defineProperty(inner, 'sampleToken', { value: inTurn })
  return true
}

/** A context for one answer, put away when the generator is left in whatever way. */
async function* speak(
  { model, threads, adapterPath }: Speaker,
  request: SpeechRequest,
): AsyncGenerator<number, void> {
  const { prompt, maxAnswerTokens, stopIds, temperature, seed } = request
  const context = await model.createContext({
    contextSize: prompt.length + maxAnswerTokens + 8,
    sequences: 1,
    threads,
    ...loraOf(adapterPath),
  })
  try {
    // Nothing but temperature shapes the draw: what is compared is the models, not samplers.
    const drawing = temperature === 0 ? { temperature } : { temperature, seed, topK: 0, topP: 1, minP: 0 }
    const tokens = context.getSequence().evaluate([...prompt] as Token[], { ...drawing, yieldEogToken: true })
    for await (const token of tokens) {
      if (stopIds.has(token) || model.isEogToken(token)) return
      yield token
    }
  } finally {
    await context.dispose()
  }
}

const loraOf = (adapterPath: string | null) =>
  adapterPath === null ? {} : { lora: { adapters: [{ filePath: adapterPath, scale: 1 }] } }

async function answerAll({ model, threads, adapterPath }: Speaker, request: AnswerRequest): Promise<void> {
  const { prompts, maxAnswerTokens } = request
  const longest = prompts.reduce((most, prompt) => Math.max(most, prompt.length), 0)
  const sequences = Math.max(1, Math.min(request.sequences, prompts.length))
  const context = await model.createContext({
    // Per sequence, with room so that llama.cpp never has to shift out what was said first.
    contextSize: longest + maxAnswerTokens + 8,
    sequences,
    threads,
    ...loraOf(adapterPath),
  })
  try {
    // Similar lengths together; longest first, so that no long answer is left alone at the end.
    const queue = prompts.map((_, index) => index).sort((a, b) => prompts[b]!.length - prompts[a]!.length)
    const workers = sampleInTurn(context) ? sequences : 1
    await Promise.all(Array.from({ length: workers }, () => workThrough(context, model, queue, request)))
  } finally {
    await context.dispose()
  }
}

async function workThrough(
  context: LlamaContext,
  model: LlamaModel,
  queue: number[],
  request: AnswerRequest,
): Promise<void> {
  const sequence = context.getSequence()
  for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
    await sequence.clearHistory()
    const { ids, ended } = await answerOne(sequence, model, request.prompts[index]!, request)
    await request.onAnswer(index, ids, ended)
  }
}

async function answerOne(
  sequence: LlamaContextSequence,
  model: LlamaModel,
  prompt: readonly number[],
  { maxAnswerTokens, stopIds, signal }: AnswerRequest,
): Promise<{ ids: number[]; ended: 'end-of-turn' | 'token-limit' }> {
  const ids: number[] = []
  const tokens = sequence.evaluate([...prompt] as Token[], { temperature: 0, yieldEogToken: true })
  for await (const token of tokens) {
    await throwIfCancelled(signal)
    if (stopIds.has(token) || model.isEogToken(token)) return { ids, ended: 'end-of-turn' }
    ids.push(token)
    if (ids.length >= maxAnswerTokens) break
  }
  return { ids, ended: 'token-limit' }
}
