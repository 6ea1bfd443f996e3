// The README of an exported adapter, in plain words: what it is, what it was taught with, what was measured, what it is
// not. Foreign text (names of files, models, runs) is escaped: it can never become markup.
import { isShare, type MetricName, metricFacts } from '#shared/metrics.ts'
import type { Interval, ProofSummary } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { formatChange } from '#shared/units.ts'
import { smallTestRows } from '../proof/verdict.ts'
import type { BaseModelFacts } from './base-model.ts'
import { triedWith, usageExample } from './usage-example.ts'

export interface CardFacts {
  readonly runName: string
  readonly runId: string
  readonly createdAtMs: number
  readonly appVersion: string
  readonly scenarioTitle: string
  readonly baseModel: BaseModelFacts
  readonly data: {
    readonly fileName: string
    readonly fingerprint: string
    readonly trainRows: number
    readonly validationRows: number
    readonly testRows: number
  }
  readonly recipe: Recipe
  /** The run's proof; null where it was not measured yet. */
  readonly proof: ProofSummary | null
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

/** The README's Markdown. `folderName`: the folder in which it will lie; the example loads it by that name. */
export function modelCard(facts: CardFacts, folderName: string): string {
  return [
    frontMatter(facts),
    `# ${escapeMarkdown(facts.runName)}`,
    introduction(facts),
    '## Is it better?',
    facts.proof ? proofSection(facts.proof) : 'This adapter has not been measured on its test set yet.',
    '## What it learned from',
    dataSection(facts),
    '## How to use it',
    usage(facts, folderName),
    '## The model it belongs to',
    belongsTo(facts.baseModel),
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

/** The title with a capital, and the direction where less is better. */
const titleOf = (metric: MetricName): string => {
  const { title, better } = metricFacts[metric]
  const words = escapeMarkdown(title)
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${better === 'lower' ? ', lower is better' : ''}`
}

function figure(metric: MetricName, value: number): string {
  const sign = metricFacts[metric].unit === 'share' ? ' %' : ''
  return isShare(metric) ? `${(100 * value).toFixed(1)}${sign}` : value.toFixed(3)
}

/** A change of a share is in points (hundredths of the whole), never in per cent. */
const change = (metric: MetricName, value: number): string =>
  isShare(metric) ? formatChange(100 * value, 1) : formatChange(value, 3)

const cell = (metric: MetricName, { value, low, high }: Interval): string =>
  `${figure(metric, value)} (${figure(metric, low)} to ${figure(metric, high)})`

const changeCell = (metric: MetricName, { value, low, high }: Interval): string =>
  `${change(metric, value)}${isShare(metric) ? ' points' : ''} (${change(metric, low)} to ${change(metric, high)})`

function proofSection(proof: ProofSummary): string {
  return [
    proof.verdict.sentence,
    '',
    `Measured on ${proof.rows} test rows that were locked away from training. In brackets: 95 % intervals (${proof.intervals.method}).`,
    '',
    '| | before training | after training | difference |',
    '| --- | --- | --- | --- |',
    ...proof.comparisons.map(
      ({ metric, base, tuned, difference }) =>
        `| ${titleOf(metric)} | ${cell(metric, base)} | ${cell(metric, tuned)} | ${changeCell(metric, difference)} |`,
    ),
  ].join('\n')
}

function dataSection({ data }: CardFacts): string {
  return [
    `* File: ${escapeMarkdown(data.fileName)} (fingerprint ${escapeMarkdown(data.fingerprint)}); the rows are not part of this folder.`,
    `* ${data.trainRows} rows to learn from, ${data.validationRows} to choose the best version, ${data.testRows} for the test.`,
  ].join('\n')
}

function usage({ baseModel, recipe }: CardFacts, folderName: string): string {
  return [
    `This Python program answers one message. Start it in the folder that holds this one; it was tried with ${triedWith}.`,
    '',
    '```python',
    usageExample(folderName, baseModel, recipe),
    '```',
    ...(recipe.instruction.trim() === ''
      ? []
      : ['', 'It was trained with this system message, word for word:', '', quoteBlock(recipe.instruction)]),
  ].join('\n')
}

/** Which copy was trained and measured, and what that means for whoever loads the model of that name. */
function belongsTo({ name, revision, copy, isExact, weightsSha256 }: BaseModelFacts): string {
  const isOnHub = revision !== null
  const title = escapeMarkdown(name)
  const where = isOnHub
    ? `${title} on the Hugging Face hub, revision ${escapeMarkdown(revision)}.`
    : `${title}: this is its name on the computer where the adapter was made, and perhaps not one that yours can find. ` +
      'If so, put its name on the Hugging Face hub, or the folder that holds it, for `BASE` above and for ' +
      '`base_model_name_or_path` in adapter\\_config.json.'
  const original = isOnHub ? "The hub's own weights, which the program above loads," : 'The original weights'
  return [
    where,
    `The adapter was trained and measured with ${escapeMarkdown(copy)} (SHA-256 ${weightsSha256}).`,
    ...(isExact
      ? []
      : [`${original} are slightly different, so expect small differences from the scores in this card.`]),
    'A different model does not fit: the adapter does not load with it, or it answers nonsense.',
  ].join(' ')
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
    ...(proof && proof.rows < smallTestRows ? [`* The test set was small (${proof.rows} rows).`] : []),
  ].join('\n')
}
