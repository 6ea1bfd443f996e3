// A model with a new last layer, as a model folder: the body as the library has it, bit for bit, and the head as it was
// trained, under the names of the transformers class that has such a head. AutoModelForSequenceClassification or
// AutoModelForTokenClassification loads the folder as it is.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chosenWeights } from '#core/models/changed-weights.ts'
import { readModelJson } from '#core/models/model-json.ts'
import { type ModelConfig, parameterShapes, parseModelConfig, type Task } from '#engine/index.ts'
import { type ParameterLayout, viewsOf } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
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
  const config = (await readModelJson(modelFolder, 'config.json')) as Record<string, unknown>
  // Without a weight file to go by, a config has the names of the class with a head.
  const inClass = parameterShapes(unwrap(parseModelConfig(config)), task)
  const trained = viewsOf(layout, parameters)
  const weights = parameterShapes(model, task).map(({ name: own, shape }, at) => {
    const values = trained.get(own)?.data as Float32Array | undefined
    return { name: inClass[at]!.name, shape, from: values ? () => values : own }
  })
  const textOf = (name: string): Promise<string> => readFile(join(modelFolder, name), 'utf8')
  return {
    others: new Map([
      ['config.json', JSON.stringify(headConfig(config, task, classNames), null, 1)],
      ['tokenizer.json', await textOf('tokenizer.json')],
      ['tokenizer_config.json', await textOf('tokenizer_config.json')],
    ]),
    weights: () => chosenWeights(modelFolder, weights),
  }
}

const classEndings = {
  'sequence-classes': 'ForSequenceClassification',
  'token-classes': 'ForTokenClassification',
}

/** The fields by which transformers builds the head and names its outputs. */
function headConfig(
  config: Readonly<Record<string, unknown>>,
  task: Task,
  classNames: readonly string[],
): Record<string, unknown> {
  const known = Array.isArray(config.architectures) ? String(config.architectures[0]) : ''
  // No class of transformers averages texts: such a model stays a body by name, with one linear layer more.
  const isFamilyForm = task.kind === 'token-classes' || (task.kind === 'sequence-classes' && !task.isAveraged)
  const stem = /^(.+?)(LMHeadModel|Model|For[A-Z]\w*)$/.exec(known)?.[1]
  return {
    ...config,
    ...(stem !== undefined && isFamilyForm && { architectures: [stem + classEndings[task.kind]] }),
    id2label: Object.fromEntries(classNames.map((name, index) => [index, name])),
    label2id: Object.fromEntries(classNames.map((name, index) => [name, index])),
    ...(task.kind === 'sequence-classes' && { problem_type: 'single_label_classification' }),
  }
}
