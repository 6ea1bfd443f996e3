// Our own engine as the one that answers, for models that llama.cpp cannot take from us. Slower than llama.cpp, in float32.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readAdapter } from '#core/models/adapter-folder.ts'
import { readModelConfig, readModelJson } from '#core/models/model-json.ts'
import { temporaryPath } from '#core/system/durable-files.ts'
import type { Decoding, DecodingRequest } from '#engine/decode.ts'
import { drawToken } from '#engine/draw-token.ts'
import { counterRandom, type MethodSpec, type ModelConfig, type Tensor } from '#engine/index.ts'
import type { TunedVersion } from '#shared/proof-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { locateWeights, mostTokensOf } from '../scorer/model-folder.ts'
import { throwIfCancelled } from '../serve-job.ts'
import { type EngineWriter, openEngineWriter } from './engine-writer.ts'
import type { AnswerRequest, SpeechRequest, Voice } from './llama-session.ts'

/** Rotary tables are made for so many places, and caches grow with what is said: a model that reads more is held to it. */
const mostPlaces = 8192

export interface EngineVoice extends Voice {
  dispose(): Promise<void>
}

export interface EngineVoiceParts {
  readonly modelFolder: string
  /** null answers as the model is. */
  readonly tuned: TunedVersion | null
  readonly cacheFolder: string
  readonly threads: number
}

interface OpenEngine {
  readonly writer: EngineWriter
  readonly parameters: ReadonlyMap<string, Tensor>
  readonly ownStopIds: readonly number[]
}

/** Throws ProblemError. */
export async function openEngineVoice(parts: EngineVoiceParts): Promise<EngineVoice> {
  const { tuned, threads } = parts
  const folder = tuned?.kind === 'model' ? tuned.folder : parts.modelFolder
  const config = await readModelConfig(folder)
  if (config.kind === 'encoder') throw writesNothing(config)
  const adapter = tuned?.kind === 'adapter' ? await readAdapter(tuned.folder, config) : null
  const method: MethodSpec = adapter?.method ?? { kind: 'none' }
  const places = mostTokensOf(config, mostPlaces)
  const workFolder = await mkdtemp(temporaryPath(join(parts.cacheFolder, 'answers')))
  const removeWork = (): Promise<void> => rm(workFolder, { recursive: true, force: true })
  const writer = await openEngineWriter(config, method, async (built) => {
    const weights = await locateWeights(folder, config, built, places)
    return unwrap(await createOnnxBackend().compile(built.graph, { threads, weights, workFolder }))
  }).catch(async (error: unknown) => {
    await removeWork()
    throw error
  })
  const ownStopIds = await stopIdsOf(folder)
  const open: OpenEngine = { writer, parameters: adapter?.tensors ?? new Map(), ownStopIds }
  return {
    mostTokens: places,
    answer: (request) => answerAll(open, request),
    speak: (request) => speak(open, request),
    async dispose() {
      await writer.dispose()
      await removeWork()
    },
  }
}

/** Ends that config.json names, one or several; llama.cpp reads them from its own file. */
async function stopIdsOf(folder: string): Promise<number[]> {
  const config = (await readModelJson(folder, 'config.json')) as Record<string, unknown>
  return [config.eos_token_id].flat().filter((id) => typeof id === 'number')
}

const startDecoding = ({ writer, parameters, ownStopIds }: OpenEngine, request: DecodingRequest): Decoding =>
  writer.start(parameters, {
    ...request,
    stopIds: new Set([...request.stopIds, ...ownStopIds]),
  })

async function* speak(open: OpenEngine, request: SpeechRequest): AsyncGenerator<number, void> {
  const { prompt, stopIds, maxAnswerTokens: mostTokens, temperature, seed } = request
  const random = counterRandom(seed, 'answer')
  let drawn = 0
  const draw = (logits: Float32Array): number => {
    drawn += 1
    return drawToken(logits, temperature, random(drawn))
  }
  const choosing = temperature === 0 ? {} : { choose: draw }
  const decoding = startDecoding(open, { prompts: [prompt], stopIds, mostTokens, ...choosing })
  await decoding.read()
  let told = 0
  do {
    const { ids } = decoding.answers[0]!
    for (; told < ids.length; told += 1) yield ids[told]!
  } while (await decoding.write())
}

/** So many at a time, of similar length, the longest first. */
async function answerAll(open: OpenEngine, request: AnswerRequest): Promise<void> {
  const { prompts, stopIds, maxAnswerTokens: mostTokens, sequences, signal, onAnswer } = request
  const queue = prompts.map((_, index) => index).sort((a, b) => prompts[b]!.length - prompts[a]!.length)
  for (let first = 0; first < queue.length; first += sequences) {
    const indices = queue.slice(first, first + sequences)
    const decoding = startDecoding(open, {
      prompts: indices.map((index) => prompts[index]!),
      stopIds,
      mostTokens,
    })
    for (const _ of indices) {
      await throwIfCancelled(signal)
      await decoding.read()
    }
    while (await decoding.write()) await throwIfCancelled(signal)
    for (const [at, { ids, isEnded }] of decoding.answers.entries())
      await onAnswer(indices[at]!, ids, isEnded ? 'end-of-turn' : 'token-limit')
  }
}

const writesNothing = ({ family }: ModelConfig): ProblemError =>
  new ProblemError({
    code: 'generator.failed',
    message: `Models of the family ${family} do not write answers in Tunewright.`,
    where: 'config.json: model_type',
    remedy: 'They can be trained and measured by likelihood. For written answers choose a model that writes.',
  })
