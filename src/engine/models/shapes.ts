// Weights and linear layers of a model, by Hugging Face's names, as its description says.
import type {
  AttentionSublayer,
  BlockDescription,
  HeadStep,
  LinearDescription,
  LinearTemplate,
  ModelConfig,
  NamedShape,
  Sublayer,
  Task,
} from './config.ts'
import { languageModel } from './config.ts'

/** A block of the model; a layer that it has not is a bug. */
export function blockOf({ blocks }: ModelConfig, layer: number): BlockDescription {
  const block = blocks[layer]
  if (!block) throw new Error(`the model has no block ${layer}`)
  return block
}

/** A linear layer at its place in the model. */
export const linearIn = (block: BlockDescription, template: LinearTemplate): LinearDescription => ({
  ...template,
  path: `${block.path}.${template.path}`,
})

/**
 * A name of something in a block as the transformers class with a head has it: PEFT names adapters so, whatever the prefix
 * of the weight file. Other names (a head's) are given back as they are.
 */
export function nameInClass({ filePrefix, classPrefix, blocks }: ModelConfig, name: string): string {
  const isInBlock = blocks.some(({ path }) => name.startsWith(`${path}.`))
  return isInBlock ? classPrefix + name.slice(filePrefix.length) : name
}

/** Where the weights of a task's head are in the transformers class that has it, by their names here. */
export function headNamesInClass(config: ModelConfig, task: Task): ReadonlyMap<string, string> {
  const { filePrefix, classPrefix } = config
  return new Map(
    headSteps(config, task).flatMap(({ path, outputs }) => {
      const isOfBody = outputs === 'hidden' && path.startsWith(`${filePrefix}pooler.`)
      const inClass = isOfBody ? classPrefix + path.slice(filePrefix.length) : path
      return ['weight', 'bias'].map((part) => [`${path}.${part}`, `${inClass}.${part}`] as const)
    }),
  )
}

/** The linear layers of one block, in the order in which they are computed. */
export function layerLinears(config: ModelConfig, layer: number): readonly LinearDescription[] {
  const block = blockOf(config, layer)
  return block.form.sublayers.flatMap(({ linears }) => linears.map((linear) => linearIn(block, linear)))
}

const normShapes = (config: ModelConfig, path: string | null, width = config.hidden): NamedShape[] => {
  if (path === null) return []
  const weight = { name: `${path}.weight`, shape: [width] }
  return config.norm.kind === 'rms' ? [weight] : [weight, { name: `${path}.bias`, shape: [width] }]
}

function linearShapes(linear: LinearTemplate): NamedShape[] {
  const { path, inputWidth, outputWidth, hasBias, isInputFirst } = linear
  const shape = isInputFirst ? [inputWidth, outputWidth] : [outputWidth, inputWidth]
  const bias = { name: `${path}.bias`, shape: [outputWidth] }
  return [{ name: `${path}.weight`, shape }, ...(hasBias ? [bias] : [])]
}

function queryKeyShapes(config: ModelConfig, { queryKeyNorms }: AttentionSublayer): NamedShape[] {
  if (!queryKeyNorms) return []
  const { query, key, over } = queryKeyNorms
  const heads = over === 'head' ? { query: 1, key: 1 } : { query: config.heads, key: config.kvHeads }
  return [
    ...normShapes(config, query, heads.query * config.headWidth),
    ...normShapes(config, key, heads.key * config.headWidth),
  ]
}

function sublayerShapes(config: ModelConfig, sublayer: Sublayer): NamedShape[] {
  const { norms, linears } = sublayer
  return [
    ...normShapes(config, norms.before),
    ...linears.flatMap(linearShapes),
    ...(sublayer.kind === 'mlp' ? [] : queryKeyShapes(config, sublayer)),
    ...normShapes(config, norms.branch),
    ...normShapes(config, norms.sum),
  ]
}

/** Weights of one block. */
export function blockParameters(config: ModelConfig, layer: number): readonly NamedShape[] {
  const { path, form } = blockOf(config, layer)
  return form.sublayers
    .flatMap((sublayer) => sublayerShapes(config, sublayer))
    .map(({ name, shape }) => ({ name: `${path}.${name}`, shape }))
}

function embeddingShapes({ embedding, vocabulary, hidden }: ModelConfig): NamedShape[] {
  const tables = [embedding.positions, embedding.types].filter((table) => table !== null)
  return [
    { name: embedding.tokens, shape: [vocabulary, hidden] },
    ...tables.map(({ name, rows }) => ({ name, shape: [rows, hidden] })),
  ]
}

function relativeShapes({ relativePositions, heads }: ModelConfig): NamedShape[] {
  if (!relativePositions) return []
  const { buckets, encoder, decoder } = relativePositions
  return [encoder, decoder].map((name) => ({ name, shape: [buckets, heads] }))
}

const bodyShapes = (config: ModelConfig): NamedShape[] => [
  ...embeddingShapes(config),
  ...normShapes(config, config.embedding.norm),
  ...relativeShapes(config),
  ...config.blocks.flatMap((_, layer) => blockParameters(config, layer)),
  ...normShapes(config, config.encoderNorm),
  ...normShapes(config, config.finalNorm),
]

/** Under a name of its own: a class of transformers would take `classifier` for a layer on another state. */
const averagedHead: readonly HeadStep[] = [
  { path: 'mean_classifier', outputs: 'classes', hasBias: true, activation: null },
]

/** The steps of a classification head. A family without one is refused before a graph is built. */
export function headSteps({ output, family }: ModelConfig, task: Task): readonly HeadStep[] {
  if (task.kind === 'language-model') return []
  if (!output.heads) throw new Error(`${family} has no head for ${task.kind}`)
  if (task.kind === 'sequence-classes' && task.isAveraged) return averagedHead
  return output.heads[task.kind]
}

/** Weights of a task's own head, trained by every method; none for a language model. */
export function headShapes(config: ModelConfig, task: Task): readonly NamedShape[] {
  if (task.kind === 'language-model') return []
  return headSteps(config, task).flatMap(({ path, outputs, hasBias }) => {
    const width = outputs === 'hidden' ? config.hidden : task.classes
    const bias = { name: `${path}.bias`, shape: [width] }
    return [{ name: `${path}.weight`, shape: [width, config.hidden] }, ...(hasBias ? [bias] : [])]
  })
}

/**
 * Weights of the head for texts that a file may hold and that do not depend on the classes (BERT's pooler): a new head
 * begins with them.
 */
export function optionalShapes(config: ModelConfig): readonly NamedShape[] {
  if (!config.output.heads) return []
  return headShapes(config, { kind: 'sequence-classes', classes: 1 }).filter(({ name }) =>
    config.output.heads?.['sequence-classes'].some(
      ({ path, outputs }) => outputs === 'hidden' && name.startsWith(`${path}.`),
    ),
  )
}

/**
 * Every weight of the model by Hugging Face's name and shape, in the order of the model: its body, then the output
 * projection where it is not the embedding table, or the head of a task.
 */
export function parameterShapes(config: ModelConfig, task: Task = languageModel): readonly NamedShape[] {
  const { weight } = config.output
  const isSeparate = task.kind === 'language-model' && weight !== null && weight !== config.embedding.tokens
  const output = isSeparate ? [{ name: weight, shape: [config.vocabulary, config.hidden] }] : []
  return [...bodyShapes(config), ...output, ...headShapes(config, task)]
}
