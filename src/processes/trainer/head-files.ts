// What a run of a new last layer leaves where there is no adapter: a model folder with the head, and the body's weights where
// they were trained too, in float32 as they were measured; what was not trained is as the library has it, bit for bit.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chosenWeights, floatConfig } from '#core/models/changed-weights.ts'
import { headConfig, headWeights } from '#core/models/head-folder.ts'
import { readModelJson } from '#core/models/model-json.ts'
import type { ModelConfig, Task } from '#engine/index.ts'
import { type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import type { TunedContent } from './tuned-content.ts'

/** What the model is asked for. */
export interface Head {
  readonly task: Task
  /** What the outputs of a new last layer stand for, in order; none where the model writes. */
  readonly classNames: readonly string[]
}

/** The files of the model in `modelFolder` with this head. Throws ProblemError. */
export async function headContent(
  modelFolder: string,
  model: ModelConfig,
  { task, classNames }: Head,
  layout: ParameterLayout,
  parameters: Float32Array,
): Promise<TunedContent> {
  if (task.kind === 'language-model') throw new Error('a model that writes has no such head')
  const config = (await readModelJson(modelFolder, 'config.json')) as Record<string, unknown>
  const values = [...viewsOf(layout, parameters)].map(
    ([name, { data }]) => [name, () => data as Float32Array] as const,
  )
  const weights = headWeights(model, config, task, new Map(values))
  const textOf = (name: string): Promise<string> => readFile(join(modelFolder, name), 'utf8')
  return {
    others: new Map([
      ['config.json', JSON.stringify(floatConfig(headConfig(config, task, classNames)), null, 1)],
      ['tokenizer.json', await textOf('tokenizer.json')],
      ['tokenizer_config.json', await textOf('tokenizer_config.json')],
    ]),
    weights: () => chosenWeights(modelFolder, weights),
  }
}
