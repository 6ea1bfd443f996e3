// The weights of a model that an adapter is on, with the adapter worked in. For programs that take no adapter, or not one
// of this kind: llama.cpp knows no DoRA.
import { join } from 'node:path'
import { adaptedLinears, type LinearDescription, type ModelConfig } from '#engine/index.ts'
import { type LinearAdapter, mergeAdapter } from '#engine/methods/merge-adapter.ts'
import { type AdapterPart, adapterName } from '#engine/methods/methods.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import type { Adapter } from './adapter-folder.ts'
import type { NewValues } from './changed-weights.ts'

/** By name, each made when it is asked for. What they give may throw ProblemError. */
export function mergedWeights(
  folder: string,
  config: ModelConfig,
  adapter: Adapter,
): ReadonlyMap<string, NewValues> {
  return new Map(
    adaptedLinears(config, adapter.method).map((linear) => {
      const name = `${linear.path}.weight`
      const merged = async () =>
        mergeAdapter(await readWeight(folder, name), linear, adapter.method, partsOf(adapter, linear))
      return [name, merged]
    }),
  )
}

function partsOf({ method, tensors }: Adapter, { path }: LinearDescription): LinearAdapter {
  const part = (name: AdapterPart): Float32Array => {
    const data = tensors.get(adapterName(path, name))?.data
    if (!(data instanceof Float32Array)) throw new Error(`the adapter has no ${name} for ${path}`)
    return data
  }
  return { a: part('A'), b: part('B'), magnitude: method.decomposed ? part('magnitude') : null }
}

async function readWeight(folder: string, name: string): Promise<Float32Array> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const entry = unwrap(await readSafetensorsHeader(file)).tensors.get(name)
    if (entry === undefined) throw new Error(`the model has no ${name}`)
    return unwrap(await readFloat32(file, entry))
  } finally {
    await file.close()
  }
}
