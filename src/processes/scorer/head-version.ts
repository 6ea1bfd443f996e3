// A trained head, opened for predicting: the whole model that its run left, or the adapter with the head beside it.
import { readModelConfig } from '#core/models/model-json.ts'
import { readTrainedHead } from '#core/models/trained-head.ts'
import { methodOf, taskOf } from '#core/training/method-of.ts'
import { tunedWeightsPath } from '#core/training/tuned-version.ts'
import type { MethodSpec, ModelConfig, Task, Tensor } from '#engine/index.ts'
import type { ClassJob } from '#shared/class-protocol.ts'

export interface HeadVersion {
  /** Of the weights that are bound. */
  readonly folder: string
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly task: Task
  /** Of the weights that are fed. */
  readonly parameters: ReadonlyMap<string, Tensor>
}

type HeadJob = Pick<ClassJob, 'modelFolder' | 'tuned' | 'method' | 'scenario' | 'classNames'>

/** Throws ProblemError. */
export async function openHeadVersion(job: HeadJob): Promise<HeadVersion> {
  const { tuned, method, scenario, classNames } = job
  const folder = tuned.kind === 'model' ? tuned.folder : job.modelFolder
  const config = await readModelConfig(folder)
  const task = taskOf(method, scenario, classNames.length, config)
  if (tuned.kind === 'model') return { folder, config, task, method: { kind: 'none' }, parameters: new Map() }
  const spec = methodOf(method)
  return {
    folder,
    config,
    task,
    method: spec,
    parameters: await readTrainedHead(tunedWeightsPath(tuned), config, spec, task),
  }
}
