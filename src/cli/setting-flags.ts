// Flags of `train` and where each goes in the recipe.
import { Option } from 'commander'
import type { Setting } from '#core/training/recipe-file.ts'
import { languages } from '#shared/contract/system.ts'
import { methodKinds, scenarioIds } from '#shared/recipe.ts'
import { ProblemError } from '#shared/result.ts'

/** Flags that stand for one setting of the recipe; every other setting is reached by --set. */
export const settingFlags: readonly {
  readonly flag: string
  /** Where the value goes in the recipe. */
  readonly path: string
  /** Taken as it is; other values are read as YAML, so that 16 is a number and null is null. */
  readonly isText?: true
  readonly help: string
}[] = [
  { flag: '--scenario <name>', path: 'scenario', isText: true, help: scenarioIds.join(' or ') },
  { flag: '--model <name>', path: 'model', isText: true, help: 'a model of the library, e.g. starter' },
  {
    flag: '--data <file>',
    path: 'data.path',
    isText: true,
    help: 'CSV, TSV, JSON or JSONL with the examples',
  },
  {
    flag: '--before <file>',
    path: 'before.path',
    isText: true,
    help: 'texts of the field that are read before the examples (a first stage)',
  },
  { flag: '--name <text>', path: 'name', isText: true, help: 'what to call the run' },
  {
    flag: '--instruction <text>',
    path: 'instruction',
    isText: true,
    help: 'what the model is told before every example',
  },
  {
    flag: '--language <code>',
    path: 'language',
    isText: true,
    help: `language of the instruction, where you write none: ${languages.join(', ')}`,
  },
  { flag: '--epochs <number>', path: 'duration.epochs', help: 'passes over the training rows' },
  { flag: '--max-steps <number>', path: 'duration.maxSteps', help: 'stop after so many steps' },
  { flag: '--learning-rate <number>', path: 'optimizer.learningRate', help: 'how strongly it learns' },
  { flag: '--method <kind>', path: 'method.kind', isText: true, help: methodKinds.join(' or ') },
  { flag: '--rank <number>', path: 'method.rank', help: "width of the adapter (LoRA's r)" },
  { flag: '--top-layers <number>', path: 'method.topLayers', help: 'train the uppermost blocks only' },
  {
    flag: '--device <id>',
    path: 'device',
    isText: true,
    help: 'what computes it, e.g. cpu (devices list); left out, the fastest measured one',
  },
  { flag: '--batch <number>', path: 'batch.microRows', help: 'rows at once' },
  { flag: '--seed <number>', path: 'seed', help: 'the same seed gives the same run' },
]

export interface TrainOptions {
  readonly settings: readonly Setting[]
  readonly columns: readonly string[]
}

/** What commander read, as settings of the recipe. Later ones win, --set last. */
export function trainOptionsOf(options: Readonly<Record<string, unknown>>): TrainOptions {
  const flags = settingFlags.flatMap(({ flag, path, isText }): Setting[] => {
    const value = options[new Option(flag).attributeName()]
    return typeof value === 'string' ? [[path, isText ? JSON.stringify(value) : value]] : []
  })
  const pairs = listOf(options.set).map(settingOf)
  return { settings: [...flags, ...pairs], columns: listOf(options.column) }
}

/** "path=value" of --set. */
export function settingOf(pair: string): Setting {
  const [path, ...rest] = pair.split('=')
  if (path && rest.length > 0) return [path, rest.join('=')]
  throw new ProblemError({
    code: 'usage.invalid',
    message: `"${pair}" does not name a setting and its value.`,
    where: '--set',
    remedy: 'Write it like --set method.rank=16.',
  })
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
