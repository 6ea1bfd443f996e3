// The weights of an adapter with a new last layer, as the run left them in PEFT's form: the head under the names of
// `modules_to_save`, the adapter beside it.
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
import { ProblemError, unwrap } from '#shared/result.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import { adapterPrefix } from './adapter-folder.ts'

/** By the engine's names. `path`: the adapter's weights file. Throws ProblemError. */
export async function readTrainedHead(
  path: string,
  config: ModelConfig,
  method: MethodSpec,
  task: Task,
): Promise<Map<string, Tensor>> {
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
