// A recipe as people write it: a YAML file or flags. Both end in the same draft, checked by the same schema.
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { load, YAMLException } from 'js-yaml'
import { isRecord } from '#shared/json-record.ts'
import { describeIssues, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import { type Json, setAt, stepsOf } from './setting-paths.ts'
import { withUsualRate } from './usual-rates.ts'

const sizeLimitBytes = 256 * 1024

/** One setting by its path, e.g. ["method.rank", "16"]; the text is read as YAML, so 16 is a number and null is null. */
export type Setting = readonly [path: string, text: string]

/** The draft of a recipe file; paths of data in it are relative to the file. Later settings win over the file's. */
export function readRecipeFile(path: string, settings: readonly Setting[] = []): Result<RecipeDraft> {
  return attempt(() => {
    const value = parseYaml(readText(path), path)
    for (const part of isRecord(value) ? [value.data, value.before] : [])
      if (isRecord(part) && typeof part.path === 'string') part.path = resolve(dirname(path), part.path)
    return checkDraft(withSettings(value, settings), path)
  })
}

/** The draft that settings alone describe. */
export function draftOfSettings(settings: readonly Setting[]): Result<RecipeDraft> {
  return attempt(() => checkDraft(withSettings({}, settings), 'the command line'))
}

/** Settings as changes of a plan, by their paths. */
export const changesOfSettings = (settings: readonly Setting[]): Result<Record<string, Json>> =>
  attempt(() => Object.fromEntries(settings.map(([path, text]) => [path, parseYaml(text, path) as Json])))

function readText(path: string): string {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) throw new Error('not an ordinary file')
    if (stat.size <= sizeLimitBytes) return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ProblemError({
      code: 'file.missing',
      message: 'The recipe could not be opened.',
      where: path,
      remedy: 'Check the name of the file.',
      details: String(error),
    })
  }
  throw new ProblemError({
    code: 'limit.exceeded',
    message: `A recipe has at most ${sizeLimitBytes / 1024} KB; this file is larger.`,
    where: path,
    remedy: 'Name the recipe, not the data.',
  })
}

function parseYaml(text: string, where: string): unknown {
  try {
    return load(text)
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const line = (error as { mark?: { line?: number } }).mark?.line
    throw new ProblemError({
      code: 'recipe.invalid',
      message: 'The recipe is not readable as YAML.',
      where: line === undefined ? where : `${where}, line ${line + 1}`,
      remedy: 'Check the indentation and the colons in this line.',
      details: error.message,
    })
  }
}

type Plain = Record<string, unknown>

function withSettings(value: unknown, settings: readonly Setting[]): unknown {
  const root: Plain = isRecord(value) ? value : {}
  for (const [path, text] of settings) {
    const steps = stepsOf(path)
    if (steps === null)
      throw new ProblemError({
        code: 'recipe.invalid',
        message: `"${path}" is not the name of a setting.`,
        where: path,
        remedy: 'Write it like method.rank=16.',
      })
    setAt(root, steps, parseYaml(text, path))
  }
  return root
}

function checkDraft(value: unknown, source: string): RecipeDraft {
  const parsed = recipeDraft.safeParse(withUsualRate(value), { reportInput: true })
  if (parsed.success) return parsed.data
  const faults = describeIssues(parsed.error)
  const places = [...new Set(faults.map(({ where }) => where))]
  const only = faults.length === 1 ? faults[0] : undefined
  throw new ProblemError({
    code: 'recipe.invalid',
    message: only ? `At ${only.where}: ${only.message}.` : `${faults.length} settings are not valid.`,
    where: `${source}, ${places.join(', ')}`,
    remedy: `Correct ${only ? 'this setting' : 'these settings'}; docs/cli.md lists every setting with its range.`,
    faults,
  })
}
