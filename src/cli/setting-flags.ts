// Flags of `train` and where each goes in the recipe.
import type { Setting } from '#core/training/recipe-file.ts'
import { ProblemError } from '#shared/result.ts'

/** Flags that stand for one setting of the recipe; every other setting is reached by --set. */
export const settingFlags: readonly {
  readonly flag: string
  /** The flag's name as commander gives it. */
  readonly option: string
  /** Where the value goes in the recipe. */
  readonly path: string
  /** Taken as it is; other values are read as YAML, so that 16 is a number and null is null. */
  readonly isText?: true
  readonly help: string
}[] = [
  {
    flag: '--scenario <name>',
    option: 'scenario',
    path: 'scenario',
    isText: true,
    help: 'classification or question-answering',
  },
  {
    flag: '--model <name>',
    option: 'model',
    path: 'model',
    isText: true,
    help: 'a model of the library, e.g. starter',
  },
  {
    flag: '--data <file>',
    option: 'data',
    path: 'data.path',
    isText: true,
    help: 'CSV, TSV, JSON or JSONL with the examples',
  },
  { flag: '--name <text>', option: 'name', path: 'name', isText: true, help: 'what to call the run' },
  {
    flag: '--instruction <text>',
    option: 'instruction',
    path: 'instruction',
    isText: true,
    help: 'what the model is told before every example',
  },
  {
    flag: '--epochs <number>',
    option: 'epochs',
    path: 'duration.epochs',
    help: 'passes over the training rows',
  },
  {
    flag: '--max-steps <number>',
    option: 'maxSteps',
    path: 'duration.maxSteps',
    help: 'stop after so many steps',
  },
  {
    flag: '--learning-rate <number>',
    option: 'learningRate',
    path: 'optimizer.learningRate',
    help: 'how strongly it learns',
  },
  { flag: '--rank <number>', option: 'rank', path: 'method.rank', help: "width of the adapter (LoRA's r)" },
  {
    flag: '--top-layers <number>',
    option: 'topLayers',
    path: 'method.topLayers',
    help: 'adapt the uppermost blocks only',
  },
  { flag: '--batch <number>', option: 'batch', path: 'batch.microRows', help: 'rows at once' },
  { flag: '--seed <number>', option: 'seed', path: 'seed', help: 'the same seed gives the same run' },
]

export interface TrainOptions {
  readonly settings: readonly Setting[]
  readonly columns: readonly string[]
}

/** What commander read, as settings of the recipe. Later ones win, --set last. */
export function trainOptionsOf(options: Readonly<Record<string, unknown>>): TrainOptions {
  const flags = settingFlags.flatMap(({ option, path, isText }): Setting[] => {
    const value = options[option]
    return typeof value === 'string' ? [[path, isText ? JSON.stringify(value) : value]] : []
  })
  const pairs = listOf(options.set).map((pair): Setting => {
    const [path, ...rest] = pair.split('=')
    if (path && rest.length > 0) return [path, rest.join('=')]
    throw new ProblemError({
      code: 'usage.invalid',
      message: `"${pair}" does not name a setting and its value.`,
      where: '--set',
      remedy: 'Write it like --set method.rank=16.',
    })
  })
  return { settings: [...flags, ...pairs], columns: listOf(options.column) }
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
