// The two that answer in a job or a conversation: a model, and what a run made of it. Written by llama.cpp where it can take
// the model from us, else by our own engine; never one by this and the other by that.
import type { GeneratorJob, ProofSide } from '#shared/proof-protocol.ts'
import { type Problem, ProblemError } from '#shared/result.ts'
import { openEngineVoice } from './engine-voice.ts'
import { type GgufPaths, ggufOfModelFolder, ggufOfTuned, refusedCopy } from './gguf-cache.ts'
import { type LlamaSession, openLlamaSession, type Voice } from './llama-session.ts'

export type VoiceParts = Pick<GeneratorJob, 'model' | 'tuned' | 'cacheFolder' | 'threads'>

export interface Voices {
  /** Loads it where it is not loaded. Throws ProblemError. */
  of(side: ProofSide): Promise<Voice>
  dispose(): Promise<void>
}

/** A model in memory, asked with an adapter on it or as it is. */
type OpenModel = LlamaSession

/** `staying`: all that were asked for stay loaded, as a conversation needs them; else one model is in memory at a time. */
export function createVoices(parts: VoiceParts, staying: 'all' | 'last'): Voices {
  const open = new Map<string, OpenModel>()

  async function close(): Promise<void> {
    for (const [key, model] of open) {
      await model.dispose()
      open.delete(key)
    }
  }

  return {
    async of(side) {
      if (side === 'tuned' && parts.tuned === null) throw new Error('there is no tuned version to answer')
      const { key, adapterPath, load } = await sourceOf(parts, side)
      const known = open.get(key)
      if (known) return known.voice(adapterPath)
      if (staying === 'last') await close()
      const model = await load()
      open.set(key, model)
      return model.voice(adapterPath)
    },
    dispose: close,
  }
}

interface Source {
  /** Sides with the same key are one model in memory. */
  readonly key: string
  readonly adapterPath: string | null
  load(): Promise<OpenModel>
}

async function sourceOf(parts: VoiceParts, side: ProofSide): Promise<Source> {
  const { model, tuned, cacheFolder, threads } = parts
  try {
    const base: GgufPaths = { model: await ggufOfModelFolder(model, cacheFolder), adapter: null }
    const paths = side === 'base' || tuned === null ? base : await ggufOfTuned(tuned, model, cacheFolder)
    return { key: paths.model, adapterPath: paths.adapter, load: () => loadLlama(paths.model, threads) }
  } catch (error) {
    if (!(error instanceof ProblemError) || !notForLlama.has(error.problem.code)) throw error
    return { key: `engine ${side}`, adapterPath: null, load: () => loadEngine(parts, side) }
  }
}

/** Why a model cannot be written as GGUF by us: its family, a setting of it, or its way to split text. */
const notForLlama: ReadonlySet<Problem['code']> = new Set([
  'model.unsupported-family',
  'model.invalid-config',
  'tokenizer.invalid',
])

const loadLlama = (path: string, threads: number): Promise<OpenModel> =>
  openLlamaSession(path, threads).catch((error: unknown) => {
    throw refusedCopy(error)
  })

async function loadEngine(
  { model, tuned, cacheFolder, threads }: VoiceParts,
  side: ProofSide,
): Promise<OpenModel> {
  const own = side === 'tuned' ? tuned : null
  const voice = await openEngineVoice({ modelFolder: model.folder, tuned: own, cacheFolder, threads })
  return { voice: () => voice, dispose: () => voice.dispose() }
}
