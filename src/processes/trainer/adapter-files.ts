// The trained adapter in the form that Hugging Face PEFT reads (version 0.21): adapter_model.safetensors and
// adapter_config.json.
import { adapterPrefix } from '#core/models/adapter-folder.ts'
import { tensorChunks } from '#core/training/checkpoints.ts'
import { methodOf } from '#core/training/method-of.ts'
import {
  adaptedLinears,
  headNamesInClass,
  layerLinears,
  type ModelConfig,
  nameInClass,
  type Task,
} from '#engine/index.ts'
import { type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import type { Recipe } from '#shared/recipe.ts'
import type { TunedContent } from './tuned-content.ts'

/** The files of the adapter that has these weights. */
export function adapterContent(
  recipe: Recipe,
  model: ModelConfig,
  task: Task,
  layout: ParameterLayout,
  parameters: Float32Array,
): TunedContent {
  const heads = headNamesInClass(model, task)
  const tensors = new Map(
    [...viewsOf(layout, parameters)].map(([name, { shape, data }]) => [
      adapterPrefix + (heads.get(name) ?? nameInClass(model, name)),
      { shape, data: data as Float32Array },
    ]),
  )
  return {
    others: new Map([['adapter_config.json', JSON.stringify(peftConfig(recipe, model, task), null, 1)]]),
    weights: () => tensorChunks(tensors),
  }
}

/**
 * The fields of peft.LoraConfig that decide what is computed; PEFT fills in the rest with its defaults. Layers are named
 * by their last name where the adapter is on all that are called so, else one by one.
 */
function peftConfig({ method, model: { id } }: Recipe, config: ModelConfig, task: Task): object {
  const adapted = Math.min(method.topLayers ?? config.layers, config.layers)
  const spec = methodOf(method)
  const paths = adaptedLinears(config, spec).map(({ path }) => nameInClass(config, path))
  const names = [...new Set(paths.map(lastName))].sort()
  const heads = [...new Set([...headNamesInClass(config, task).values()].map(moduleOf))]
  const isBlockwise = config.kind === 'decoder' && paths.length === adaptedInBlocks(config, names, adapted)
  return {
    peft_type: 'LORA',
    task_type:
      taskTypes[task.kind] ?? (config.kind === 'sequence-to-sequence' ? 'SEQ_2_SEQ_LM' : 'CAUSAL_LM'),
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
    modules_to_save: heads.length === 0 ? null : heads,
    rank_pattern: {},
    alpha_pattern: {},
  }
}

const taskTypes: Partial<Record<Task['kind'], string>> = {
  'sequence-classes': 'SEQ_CLS',
  'token-classes': 'TOKEN_CLS',
}

const moduleOf = (weight: string): string => weight.slice(0, weight.lastIndexOf('.'))

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** Linears of these last names in the uppermost blocks. */
function adaptedInBlocks(config: ModelConfig, names: readonly string[], blocks: number): number {
  let count = 0
  for (let layer = config.layers - blocks; layer < config.layers; layer += 1)
    count += layerLinears(config, layer).filter(({ path }) => names.includes(lastName(path))).length
  return count
}
