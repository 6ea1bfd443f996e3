// The README of an exported adapter, in plain words: what it is, what it was taught with, what was measured, what it is
// not. Foreign text (names of files, models, runs) is escaped: it can never become markup.
import type { MetricName, ProofReport } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'

export interface CardFacts {
  readonly runName: string
  readonly runId: string
  readonly createdAtMs: number
  readonly appVersion: string
  readonly scenarioTitle: string
  readonly baseModel: {
    /** What others can load: "owner/name" on the Hugging Face hub, or the name in the library. */
    readonly name: string
    readonly licence: string
    readonly weightsSha256: string
  }
  readonly data: {
    readonly fileName: string
    readonly fingerprint: string
    readonly trainRows: number
    readonly validationRows: number
    readonly testRows: number
  }
  readonly recipe: Recipe
  /** The run's proof; null where it was not measured yet. */
  readonly proof: Omit<ProofReport, 'answers'> | null
}

/** One line of foreign text inside Markdown: no line breaks, no character with a meaning, no address that turns into a link. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/[\\`*_{}[\]<>#|~&$:@]/gu, (character) => `\\${character}`)
    .replace(/www\./giu, (start) => `${start.slice(0, 3)}\\.`)
}

/** A YAML string: JSON's double quotes are valid YAML. */
const yaml = (text: string): string => JSON.stringify(text.replace(/\s+/gu, ' '))

export function modelCard(facts: CardFacts): string {
  return [
    frontMatter(facts),
    `# ${escapeMarkdown(facts.runName)}`,
    introduction(facts),
    '## Is it better?',
    facts.proof ? proofSection(facts.proof) : 'This adapter has not been measured on its test set yet.',
    '## What it learned from',
    dataSection(facts),
    '## How to use it',
    usage(facts),
    '## How it was trained',
    settings(facts),
    '## What to keep in mind',
    limits(facts),
    '',
  ].join('\n\n')
}

function frontMatter({ baseModel }: CardFacts): string {
  return [
    '---',
    'library_name: peft',
    `base_model: ${yaml(baseModel.name)}`,
    ...(baseModel.licence === 'unknown' ? [] : [`license: ${yaml(baseModel.licence.toLowerCase())}`]),
    'tags: [lora, tunewright]',
    '---',
  ].join('\n')
}

function introduction({ baseModel, scenarioTitle, recipe }: CardFacts): string {
  return (
    `A LoRA adapter for ${escapeMarkdown(baseModel.name)}: a small addition (rank ${recipe.method.rank}) that is loaded ` +
    `together with that model and changes how it answers. Goal: ${scenarioTitle}. ` +
    'Made with Tunewright on one computer.'
  )
}

const metricTitles: Record<MetricName, string> = {
  accuracy: 'Right answers',
  macroF1: 'F1, averaged over labels',
  exactMatch: 'Answers that match exactly',
  tokenF1: 'Agreement of words (F1)',
  lossNats: 'Loss (nats per token, lower is better)',
  perplexity: 'Perplexity (lower is better)',
}

const isShare = (metric: MetricName): boolean => metric !== 'lossNats' && metric !== 'perplexity'

function figure(metric: MetricName, value: number): string {
  return isShare(metric) ? `${(100 * value).toFixed(1)} %` : value.toFixed(3)
}

function proofSection(proof: Omit<ProofReport, 'answers'>): string {
  const cell = (metric: MetricName, one: { value: number; low: number; high: number }) =>
    `${figure(metric, one.value)} (${figure(metric, one.low)} to ${figure(metric, one.high)})`
  return [
    proof.verdict.sentence,
    '',
    `Measured on ${proof.rows} test rows that were locked away from training. In brackets: 95 % intervals (${proof.intervals.method}).`,
    '',
    '| | before training | after training | difference |',
    '| --- | --- | --- | --- |',
    ...proof.comparisons.map(
      ({ metric, base, tuned, difference }) =>
        `| ${metricTitles[metric]} | ${cell(metric, base)} | ${cell(metric, tuned)} | ${cell(metric, difference)} |`,
    ),
  ].join('\n')
}

function dataSection({ data }: CardFacts): string {
  return [
    `* File: ${escapeMarkdown(data.fileName)} (fingerprint ${escapeMarkdown(data.fingerprint)}); the rows are not part of this folder.`,
    `* ${data.trainRows} rows to learn from, ${data.validationRows} to choose the best version, ${data.testRows} for the test.`,
  ].join('\n')
}

function usage({ baseModel, recipe }: CardFacts): string {
  const instruction = recipe.instruction.trim()
  return [
    'In Python with transformers and peft, from the folder that holds this one:',
    '',
    '```python',
    'from peft import AutoPeftModelForCausalLM',
    'model = AutoPeftModelForCausalLM.from_pretrained("this-folder")',
    '```',
    '',
    `The model it belongs to is ${escapeMarkdown(baseModel.name)} with weights of SHA-256 ${baseModel.weightsSha256}; with another model it answers nonsense.`,
    ...(instruction === ''
      ? []
      : ['', 'It was trained with this system message, word for word:', '', quoteBlock(instruction)]),
  ].join('\n')
}

/** Foreign text of several lines: an indented block, in which nothing has a meaning. */
const quoteBlock = (text: string): string =>
  text
    .split(/\r\n|[\n\r\u2028\u2029]/u)
    .map((line) => `    ${line}`)
    .join('\n')

function settings({ recipe, runId, createdAtMs, appVersion }: CardFacts): string {
  const { method, optimizer, schedule, batch, duration } = recipe
  const layers = method.topLayers === null ? 'all blocks' : `the uppermost ${method.topLayers} blocks`
  return [
    `* LoRA rank ${method.rank}, alpha ${method.alpha}, on ${method.targets.join(', ')} of ${layers}`,
    `* AdamW, learning rate ${optimizer.learningRate}, ${schedule.kind} schedule, weight decay ${optimizer.weightDecay}`,
    `* ${batch.microRows * batch.accumulation} rows a step, at most ${batch.maxTokens} tokens a row, up to ${duration.epochs} passes over the rows`,
    `* Seed ${recipe.seed}, run ${escapeMarkdown(runId)}, ${new Date(createdAtMs).toISOString().slice(0, 10)}, Tunewright ${appVersion}`,
  ].join('\n')
}

function limits({ baseModel, proof }: CardFacts): string {
  return [
    `* It inherits the abilities, errors and licence of its base model (${escapeMarkdown(baseModel.licence)}).`,
    '* It was measured on rows like those it learned from. On other texts it may be worse than the base model.',
    ...(proof && proof.rows < 100 ? [`* The test set was small (${proof.rows} rows).`] : []),
  ].join('\n')
}
