// A model whose own weights were trained, as a model folder of the library. What was trained is kept in float32, as it was
// measured, even where the model's file has half of the bits: in bfloat16 most steps of fine-tuning are smaller than the
// last bit of the weight they change. What was not trained stays as the file has it, bit for bit.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changedWeights, floatConfig } from '#core/models/changed-weights.ts'
import { readModelJson } from '#core/models/model-json.ts'
import { type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import type { TunedContent } from './tuned-content.ts'

/** The files of the model in `modelFolder` with these weights in place of its own. Throws ProblemError. */
export async function wholeModelContent(
  modelFolder: string,
  layout: ParameterLayout,
  parameters: Float32Array,
): Promise<TunedContent> {
  const trained = new Map(
    [...viewsOf(layout, parameters)].map(([name, { data }]) => [name, () => data as Float32Array]),
  )
  const config = floatConfig((await readModelJson(modelFolder, 'config.json')) as object)
  const textOf = (name: string): Promise<string> => readFile(join(modelFolder, name), 'utf8')
  return {
    others: new Map([
      ['config.json', JSON.stringify(config, null, 1)],
      ['tokenizer.json', await textOf('tokenizer.json')],
      ['tokenizer_config.json', await textOf('tokenizer_config.json')],
    ]),
    weights: () => changedWeights(modelFolder, trained),
  }
}
