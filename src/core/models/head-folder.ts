// A model with a new last layer, as a model folder: which weights it has, under which names, and what its config.json says
// of the head. Where transformers has a class whose head is ours, the folder is that class's own; else it is the body with
// the head's weights besides, which no class takes for its own.
import { type ModelConfig, parameterShapes, parseModelConfig, type Task } from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import type { ChosenWeight, NewValues } from './changed-weights.ts'

export type HeadTask = Exclude<Task, { kind: 'language-model' }>
type RawConfig = Readonly<Record<string, unknown>>

/** How the classes of transformers 5.24 are called by family; [texts, tokens], null where there is none. */
const classStems: Readonly<Record<string, readonly [texts: string | null, tokens: string | null]>> = {
  llama: ['Llama', 'Llama'],
  smollm3: ['SmolLM3', 'SmolLM3'],
  mistral: ['Mistral', 'Mistral'],
  qwen2: ['Qwen2', 'Qwen2'],
  qwen3: ['Qwen3', 'Qwen3'],
  gemma2: ['Gemma2', 'Gemma2'],
  gemma3_text: ['Gemma3Text', null],
  phi3: ['Phi3', 'Phi3'],
  olmo2: ['Olmo2', null],
  gpt2: ['GPT2', 'GPT2'],
  gpt_neox: ['GPTNeoX', 'GPTNeoX'],
  bert: ['Bert', 'Bert'],
  distilbert: ['DistilBert', 'DistilBert'],
  roberta: ['Roberta', 'Roberta'],
  'xlm-roberta': ['XLMRoberta', 'XLMRoberta'],
}

/** The transformers class with this head; null where there is none: no class averages the states of a text. */
export function headClass(family: string, task: HeadTask): string | null {
  const [texts, tokens] = classStems[family] ?? [null, null]
  if (task.kind === 'token-classes') return tokens && `${tokens}ForTokenClassification`
  return texts && !task.isAveraged ? `${texts}ForSequenceClassification` : null
}

/**
 * Weights of the folder. `model` is the library's, `config` its config.json, `values` what stands in place of the model's
 * own weights or what it has not, by the engine's names.
 */
export function headWeights(
  model: ModelConfig,
  config: RawConfig,
  task: HeadTask,
  values: ReadonlyMap<string, NewValues>,
): ChosenWeight[] {
  // Without a weight file to go by, a config has the names of the class with a head.
  const inClass = parameterShapes(unwrap(parseModelConfig(config)), task)
  const hasClass = headClass(model.family, task) !== null
  return parameterShapes(model, task).map(({ name: own, shape }, at) => ({
    name: hasClass ? inClass[at]!.name : own,
    shape,
    from: values.get(own) ?? own,
  }))
}

/** The fields by which transformers builds the head and names its outputs. */
export function headConfig(
  config: RawConfig,
  task: HeadTask,
  classNames: readonly string[],
): Record<string, unknown> {
  const architecture = headClass(String(config.model_type), task)
  return {
    ...config,
    ...(architecture !== null && { architectures: [architecture] }),
    id2label: Object.fromEntries(classNames.map((name, index) => [index, name])),
    label2id: Object.fromEntries(classNames.map((name, index) => [name, index])),
    ...(task.kind === 'sequence-classes' && { problem_type: 'single_label_classification' }),
  }
}
