// The README of an export, in plain words: what it is, what it was taught with, what was measured, what it is
// not. Foreign text (names of files, models, runs) is escaped: it can never become markup.
import type { ExportForm } from '#shared/export-forms.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { type HeadTask, headClass } from '../models/head-folder.ts'
import { smallTestRows } from '../proof/verdict.ts'
import { trainsWeights } from '../training/method-of.ts'
import {
  adapterName,
  firstStageWords,
  hasTargets,
  methodWords,
  optimizerNames,
} from '../training/method-words.ts'
import type { BaseModelFacts } from './base-model.ts'
import { proofSection } from './card-proof.ts'
import { escapeMarkdown } from './escape-markdown.ts'
import { headExample, pipelineOf } from './head-example.ts'
import { ggufExample, triedWith, usageExample, wholeExample, wholeTriedWith } from './usage-example.ts'

export interface HeadFacts {
  readonly task: HeadTask
  /** `model_type` of its config.json. */
  readonly family: string
  readonly classNames: readonly string[]
}

export interface CardFacts {
  readonly form: ExportForm
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
  /** A new last layer that names labels; null where the model writes. */
  readonly head: HeadFacts | null
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
    facts.proof ? proofSection(facts.proof) : 'It has not been measured on its test set yet.',
    '## What it learned from',
    dataSection(facts),
    '## How to use it',
    usage(facts, folderName),
    facts.form === 'peft' ? '## The model it belongs to' : '## The model it was made from',
    belongsTo(facts),
    '## How it was trained',
    settings(facts),
    '## What to keep in mind',
    limits(facts),
    '',
  ].join('\n\n')
}

const libraryNames: Readonly<Record<ExportForm, string>> = {
  peft: 'peft',
  model: 'transformers',
  'gguf-f16': 'gguf',
  'gguf-q8': 'gguf',
}

function frontMatter({ baseModel, form, recipe, head }: CardFacts): string {
  return [
    '---',
    `library_name: ${libraryNames[form]}`,
    ...(head === null ? [] : [`pipeline_tag: ${pipelineOf(head)}`]),
    `base_model: ${yaml(baseModel.name)}`,
    ...(baseModel.licence === 'unknown' ? [] : [`license: ${yaml(baseModel.licence.toLowerCase())}`]),
    hasTargets(recipe.method) ? 'tags: [lora, tunewright]' : 'tags: [tunewright]',
    '---',
  ].join('\n')
}

function introduction(facts: CardFacts): string {
  const { form, baseModel, scenarioTitle, recipe, head } = facts
  const { method } = recipe
  const base = escapeMarkdown(baseModel.name)
  const adapter = adapterName(method)
  const what =
    form === 'peft'
      ? `A ${adapter} adapter for ${base}: a small addition (rank ${method.rank}) that is loaded together with that ` +
        'model and changes how it answers.'
      : head !== null
        ? headIntroduction(facts, head)
        : trainsWeights(method)
          ? `${base}, trained further: a whole model that needs nothing beside it.`
          : `${base} with a ${adapter} adapter (rank ${method.rank}) worked into its weights: a whole model that needs ` +
            'nothing beside it.'
  return `${what}${precisionWords[form]} Goal: ${scenarioTitle}. Made with Tunewright on one computer.`
}

const precisionWords: Readonly<Record<ExportForm, string>> = {
  peft: '',
  model: ' Weights that were trained are in full precision (float32), the others as the model had them.',
  'gguf-f16':
    ' Its numbers are rounded to 16 bits (F16), so answers can differ slightly from those that were measured.',
  'gguf-q8':
    ' Its numbers are rounded to 8 bits (Q8_0), so answers can differ from those that were measured.',
}

function dataSection({ data }: CardFacts): string {
  return [
    `* File: ${escapeMarkdown(data.fileName)} (fingerprint ${escapeMarkdown(data.fingerprint)}); the rows are not part of this folder.`,
    `* ${data.trainRows} rows to learn from, ${data.validationRows} to choose the best version, ${data.testRows} for the test.`,
  ].join('\n')
}

function headIntroduction(
  { baseModel, recipe: { method } }: CardFacts,
  { task, classNames }: HeadFacts,
): string {
  const base = escapeMarkdown(baseModel.name)
  const adapter = `, and a ${adapterName(method)} adapter (rank ${method.rank}) worked into its weights`
  const names =
    task.kind === 'token-classes'
      ? 'marks names in a text, word by word, with the tags'
      : 'gives a text one of the labels'
  const listed = classNames.slice(0, mostNames).map(escapeMarkdown).join(', ')
  const more = classNames.length > mostNames ? ` and ${classNames.length - mostNames} more` : ''
  return (
    `${base}${trainsWeights(method) ? ', trained further,' : ''} with a new last layer${hasTargets(method) ? adapter : ''}: it ${names} ${listed}${more}. ` +
    'It needs nothing beside it, and writes no words of its own.'
  )
}

/** Of many labels so many are listed; config.json has all. */
const mostNames = 40

function usage({ form, baseModel, recipe, head }: CardFacts, folderName: string): string {
  if (head !== null) return headUsage(head, folderName)
  const isGguf = form === 'gguf-f16' || form === 'gguf-q8'
  const example = isGguf
    ? [
        'It opens in llama.cpp and in programs built on it. For one message:',
        '',
        '```sh',
        ggufExample(form),
        '```',
      ]
    : [
        `This Python program answers one message. Start it in the folder that holds this one; it was tried with ${form === 'peft' ? triedWith : wholeTriedWith}.`,
        '',
        '```python',
        form === 'peft'
          ? usageExample(folderName, baseModel, recipe)
          : wholeExample(folderName, baseModel, recipe),
        '```',
      ]
  return [
    ...example,
    ...(recipe.instruction.trim() === ''
      ? []
      : ['', trainedWithWords(baseModel), '', quoteBlock(recipe.instruction)]),
  ].join('\n')
}

const trainedWithWords = ({ isTwoHalves }: BaseModelFacts): string =>
  isTwoHalves
    ? 'It was trained with this instruction before every text, word for word:'
    : 'It was trained with this system message, word for word:'

function headUsage(head: HeadFacts, folderName: string): string {
  const className = headClass(head.family, head.task)
  return [
    className === null
      ? `Hugging Face Transformers has no class with this last layer: ${strangeness(head)}. This Python program has it; ` +
        'its weights lie in model.safetensors beside those of the model. A class of Transformers for labels would ' +
        'put an untrained layer in its place, and warn.'
      : `It is a \`${className}\`, with its labels in config.json.`,
    '',
    `Start the program in the folder that holds this one; it was tried with ${wholeTriedWith}.`,
    '',
    '```python',
    headExample(folderName, head.task, className !== null),
    '```',
  ].join('\n')
}

const strangeness = ({ task, family }: HeadFacts): string =>
  task.kind === 'sequence-classes' && task.isAveraged
    ? 'it is one linear layer on the mean of the states of a text, where its classes take the state of one token'
    : `models of the family ${escapeMarkdown(family)} have none there`

const adapterBase =
  'If so, put its name on the Hugging Face hub, or the folder that holds it, for `BASE` above and for ' +
  '`base_model_name_or_path` in adapter\\_config.json.'

/** Which copy was trained and measured, and what that means for whoever loads the model of that name. */
function belongsTo({ form, baseModel }: CardFacts): string {
  const { name, revision, copy, isExact, weightsSha256 } = baseModel
  const isOnHub = revision !== null
  const title = escapeMarkdown(name)
  const where = isOnHub
    ? `${title} on the Hugging Face hub, revision ${escapeMarkdown(revision)}.`
    : `${title}: this is its name on the computer where this was made, and perhaps not one that yours can find. ` +
      (form === 'peft' ? adapterBase : '')
  const made = `made from ${escapeMarkdown(copy)} (SHA-256 ${weightsSha256}).`
  if (form !== 'peft') return [where, `This model was ${made}`].join(' ')
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
  const first = firstStageWords(recipe)
  const { method, optimizer, schedule, batch, duration } = recipe
  const targets = hasTargets(method) ? ` (${method.targets.join(', ')})` : ''
  return [
    `* Trained: ${methodWords(method)}${targets}`,
    ...(first === null ? [] : [`* First, before its rows: ${first}`]),
    `* ${optimizerNames[optimizer.kind]}, learning rate ${optimizer.learningRate}, ${schedule.kind} schedule, weight decay ${optimizer.weightDecay}`,
    `* ${batch.microRows * batch.accumulation} rows a step, at most ${batch.maxTokens} tokens a row, up to ${duration.epochs} passes over the rows`,
    `* Seed ${recipe.seed}, run ${escapeMarkdown(runId)}, ${new Date(createdAtMs).toISOString().slice(0, 10)}, Tunewright ${appVersion}`,
  ].join('\n')
}

function limits({ baseModel, proof, recipe }: CardFacts): string {
  const { base } = recipe.method
  return [
    `* It inherits the abilities, errors and licence of its base model (${escapeMarkdown(baseModel.licence)}).`,
    ...(base === 'float'
      ? []
      : ['* It was trained beside a copy of the model in fewer bits, and measured on the model itself.']),
    '* It was measured on rows like those it learned from. On other texts it may be worse than the base model.',
    ...(proof && proof.rows < smallTestRows ? [`* The test set was small (${proof.rows} rows).`] : []),
  ].join('\n')
}
