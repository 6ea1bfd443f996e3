// Which models a scoring job goes through, one after the other, so that never more than one is in memory. An adapter that
// adds nothing when its B is zero shares one session with its base.

import { type Adapter, readAdapter } from '#core/models/adapter-folder.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import type { Backend, MethodSpec, ModelConfig, Session, Tensor } from '#engine/index.ts'
import type { ProofSide, ScorerJob } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { locateWeights } from './model-folder.ts'
import type { RowForm } from './row-form.ts'

type Parameters = ReadonlyMap<string, Tensor>

export interface ScoringPass {
  /** Of the weights that are frozen. */
  readonly modelFolder: string
  readonly config: ModelConfig
  readonly method: MethodSpec
  /** What the graph is fed to be this side. */
  readonly sides: readonly (readonly [side: ProofSide, parameters: Parameters])[]
}

const nothing: Parameters = new Map()

/** Throws ProblemError. */
export async function scoringPasses(
  { modelFolder, tuned }: Pick<ScorerJob, 'modelFolder' | 'tuned'>,
  config: ModelConfig,
): Promise<readonly ScoringPass[]> {
  const asItIs = { modelFolder, config, method: { kind: 'none' } } as const
  const base: ScoringPass = { ...asItIs, sides: [['base', nothing]] }
  if (tuned === null) return [base]
  if (tuned.kind === 'model') {
    const own = { modelFolder: tuned.folder, config: await readModelConfig(tuned.folder) }
    return [base, { ...asItIs, ...own, sides: [['tuned', nothing]] }]
  }
  const adapter = await readAdapter(tuned.folder, config)
  const { method } = adapter
  // DoRA gives each row of weights a size of its own: without the base's there is nothing that adds nothing.
  if (method.decomposed) return [base, { ...asItIs, method, sides: [['tuned', adapter.tensors]] }]
  const sides = [['base', zeroAdapter(adapter)] as const, ['tuned', adapter.tensors] as const]
  return [{ ...asItIs, method, sides }]
}

/** The same adapter with every B zero: adds exactly nothing, so the graph with it is the base model. */
function zeroAdapter({ tensors }: Adapter): Parameters {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      name.includes('.lora_B.') ? { ...tensor, data: new Float32Array(tensor.data.length) } : tensor,
    ]),
  )
}

/** Throws ProblemError. */
export async function openPass(
  { modelFolder, config, method }: ScoringPass,
  { job, backend, form }: { readonly job: ScorerJob; readonly backend: Backend; readonly form: RowForm },
  lossChunks: number,
): Promise<Session> {
  const built = form.build(config, method, lossChunks)
  const weights = await locateWeights(modelFolder, config, built, job.maxTokens)
  const { threads, workFolder } = job
  return unwrap(await backend.compile(built.graph, { threads, weights, workFolder }))
}
