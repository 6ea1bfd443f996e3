// A vector for each text, by a model of the library, made in a process of its own. Nothing is kept.
import {
  type EmbedderEvent,
  type EmbedderJob,
  embedderEvent,
  type Pooling,
} from '#shared/embedding-protocol.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { runChildJob } from '../proof/child-job.ts'
import type { Launcher } from '../system/launcher.ts'
import { inWorkFolder } from '../system/work-folder.ts'

export interface EmbeddingRequest
  extends Pick<EmbedderJob, 'modelFolder' | 'threads' | 'maxTokens' | 'pooling'> {
  readonly cacheFolder: string
  readonly texts: readonly string[]
}

export interface EmbeddingPorts {
  readonly launcher: Launcher
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

export interface Embeddings {
  readonly width: number
  readonly pooling: Pooling
  readonly backend: string
  /** In the order of the texts, each of length 1: the product of two is their cosine. */
  readonly vectors: readonly Float32Array[]
  /** Indices of the texts whose beginning alone counted. */
  readonly cut: ReadonlySet<number>
}

/** Problems: embedder.failed, model.*, usage.invalid (an empty text), proof.cancelled, and those of a full disk. */
export function embedTexts(request: EmbeddingRequest, ports: EmbeddingPorts): Promise<Result<Embeddings>> {
  const { cacheFolder, texts, ...model } = request
  return attemptAsync(async () => {
    let plan: Omit<Embeddings, 'vectors'> | null = null
    const vectors: Float32Array[] = []
    const onEvent = (event: EmbedderEvent): void => {
      if (event.kind === 'plan') plan = { ...event, cut: new Set(event.cut) }
      if (event.kind !== 'vectors') return
      const width = event.vectors.length / event.indices.length
      for (const [at, index] of event.indices.entries())
        vectors[index] = event.vectors.slice(at * width, (at + 1) * width)
      ports.onProgress?.(event.done, event.total)
    }
    await inWorkFolder(cacheFolder, 'embeddings', async (workFolder) => {
      const job: EmbedderJob = { ...model, workFolder, texts: [...texts] }
      unwrap(
        await runChildJob(ports.launcher, {
          process: 'embedder',
          job,
          eventSchema: embedderEvent,
          onEvent,
          signal: ports.signal,
          failure: {
            code: 'embedder.failed',
            what: 'The embedding process',
            remedy: 'Free some memory and start again.',
          },
        }),
      )
    })
    return { ...finishedPlan(plan), vectors }
  })
}

function finishedPlan(plan: Omit<Embeddings, 'vectors'> | null): Omit<Embeddings, 'vectors'> {
  if (plan === null) throw new Error('the embedding process finished without a plan')
  const { width, pooling, backend, cut } = plan
  return { width, pooling, backend, cut }
}
