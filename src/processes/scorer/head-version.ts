// A trained head, opened for predicting: the whole model that its run left, or the adapter with the head beside it.
import { join } from 'node:path'
import { adapterPrefix } from '#core/models/adapter-folder.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { methodOf, taskOf } from '#core/training/method-of.ts'
import { tunedFiles } from '#core/training/tuned-version.ts'
import {
  headNamesInClass,
  type MethodSpec,
  type ModelConfig,
  nameInClass,
  type Task,
  type Tensor,
  trainableShapes,
} from '#engine/index.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import type { ClassJob } from '#shared/class-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'

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
    parameters: await readTrained(tuned.folder, config, spec, task),
  }
}

async function readTrained(folder: string, config: ModelConfig, method: MethodSpec, task: Task) {
  const path = join(folder, tunedFiles.adapter.weights)
  const heads = headNamesInClass(config, task)
  const file = await openFileBytes(path)
  try {
    const { tensors: entries } = unwrap(await readSafetensorsHeader(file))
    const tensors = new Map<string, Tensor>()
    for (const { name, shape } of trainableShapes(config, method, task)) {
      const entry = entries.get(adapterPrefix + (heads.get(name) ?? nameInClass(config, name)))
      if (!entry || entry.shape.join() !== shape.join())
        throw new ProblemError({
          code: 'model.damaged',
          message: 'A weight of the trained version is missing or misshaped.',
          where: `${path}, ${name}`,
          remedy: 'Train the run again: its recipe gives the same version.',
        })
      tensors.set(name, { dtype: 'float32', shape, data: unwrap(await readFloat32(file, entry)) })
    }
    return tensors
  } finally {
    await file.close()
  }
}
