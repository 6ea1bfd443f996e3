// The trained adapter in the form that Hugging Face PEFT reads (version 0.21): adapter_model.safetensors and
// adapter_config.json in one folder that appears whole or not at all.
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isTemporaryName,
  renameDurably,
  sha256File,
  temporaryPath,
  writeFolderDurably,
  writeNewFile,
} from '#core/system/durable-files.ts'
import { diskAttempt } from '#core/training/checkpoint-format.ts'
import { tensorChunks } from '#core/training/checkpoints.ts'
import { methodOf } from '#core/training/method-of.ts'
import { adaptedLinears, layerLinears, type ModelConfig } from '#engine/index.ts'
import { type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import type { Recipe } from '#shared/recipe.ts'
import type { Result } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { adapterFile, adapterPrefix } from '../scorer/model-folder.ts'

const folderName = 'adapter'
const configName = 'adapter_config.json'

/** Removes what an interrupted write of the adapter left in the run's folder. */
export async function sweepAdapter(runFolder: string): Promise<void> {
  for (const name of await readdir(runFolder))
    if (name.startsWith(`${folderName}.`) && isTemporaryName(name))
      await rm(join(runFolder, name), { recursive: true, force: true })
}

/**
 * Writes `runFolder/adapter` and returns the SHA-256 of its weights file. Where it is there already with the same bytes
 * (the process died just before it could say so) nothing is written. Problems: disk.full, disk.failed.
 */
export async function writeAdapter(
  job: TrainerJob,
  model: ModelConfig,
  layout: ParameterLayout,
  parameters: Float32Array,
): Promise<Result<string>> {
  const folder = join(job.runFolder, folderName)
  const config = JSON.stringify(peftConfig(job.recipe, model), null, 1)
  const chunks = () => tensorChunks(peftTensors(layout, parameters))
  return diskAttempt(folder, async () => {
    const sha256 = await hashOf(chunks())
    if (await isThere(folder, sha256, config)) return sha256
    return writeFolderDurably(folder, async (inside) => {
      await writeNewFile(join(inside, configName), [new TextEncoder().encode(config)])
      return (await writeNewFile(join(inside, adapterFile), chunks())).sha256
    })
  })
}

/** True where the folder holds exactly this adapter; one that differs is put away, for its place is wanted. */
async function isThere(folder: string, weightsSha256: string, config: string): Promise<boolean> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return false
  const weights = await sha256File(join(folder, adapterFile)).catch(() => '')
  const described = await sha256File(join(folder, configName)).catch(() => '')
  if (weights === weightsSha256 && described === createHash('sha256').update(config).digest('hex'))
    return true
  const doomed = temporaryPath(folder)
  await renameDurably(folder, doomed)
  await rm(doomed, { recursive: true, force: true })
  return false
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

function peftTensors(layout: ParameterLayout, parameters: Float32Array) {
  return new Map(
    [...viewsOf(layout, parameters)].map(([name, { shape, data }]) => [
      adapterPrefix + name,
      { shape, data: data as Float32Array },
    ]),
  )
}

/**
 * The fields of peft.LoraConfig that decide what is computed; PEFT fills in the rest with its defaults. Layers are named
 * by their last name where the adapter is on all that are called so, else one by one.
 */
function peftConfig({ method, model: { id } }: Recipe, config: ModelConfig): object {
  const adapted = Math.min(method.topLayers ?? config.layers, config.layers)
  const spec = methodOf(method)
  const paths = adaptedLinears(config, spec).map(({ path }) => path)
  const names = [...new Set(paths.map(lastName))].sort()
  const isBlockwise = config.kind === 'decoder' && paths.length === adaptedInBlocks(config, names, adapted)
  return {
    peft_type: 'LORA',
    task_type: config.kind === 'sequence-to-sequence' ? 'SEQ_2_SEQ_LM' : 'CAUSAL_LM',
    base_model_name_or_path: id,
    revision: null,
    inference_mode: true,
    r: method.rank,
    lora_alpha: method.alpha,
    lora_dropout: 0,
    target_modules: isBlockwise ? names : [...paths].sort(),
    layers_to_transform:
      adapted === config.layers || !isBlockwise
        ? null
        : Array.from({ length: adapted }, (_, i) => config.layers - adapted + i),
    layers_pattern: null,
    bias: 'none',
    fan_in_fan_out: adaptedLinears(config, spec).some(({ isInputFirst }) => isInputFirst),
    use_rslora: method.scaling === 'rank-stabilised',
    use_dora: method.decomposed,
    init_lora_weights: true,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
  }
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** Linears of these last names in the uppermost blocks. */
function adaptedInBlocks(config: ModelConfig, names: readonly string[], blocks: number): number {
  let count = 0
  for (let layer = config.layers - blocks; layer < config.layers; layer += 1)
    count += layerLinears(config, layer).filter(({ path }) => names.includes(lastName(path))).length
  return count
}
