// Reads single fields of a Hugging Face config.json, which is a stranger's file: every fault is a ProblemError.
import type { Problem } from '#shared/result.ts'
import { ProblemError } from '#shared/result.ts'

export type ConfigObject = Readonly<Record<string, unknown>>

/** No size in a config may be larger: more would not fit an index. */
const largestSize = 2 ** 31 - 1

export function configProblem(where: string, expected: string, got: unknown): ProblemError {
  const shown = got === undefined ? 'nothing' : (JSON.stringify(got)?.slice(0, 80) ?? String(got))
  const problem: Problem = {
    code: 'model.invalid-config',
    message: `The model's config.json is not usable: expected ${expected}, got ${shown}.`,
    where: `config.json, ${where}`,
    remedy: 'Download the model again, or choose another model.',
  }
  return new ProblemError(problem)
}

export function isObject(value: unknown): value is ConfigObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A whole number from 1 on; `fallback` where the field is absent or null. */
export function readSize(config: ConfigObject, key: string, fallback?: number): number {
  const value = config[key] ?? fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largestSize) return value
  throw configProblem(key, 'a whole number above 0', value)
}

/** A finite number above 0; `fallback` where the field is absent or null. */
export function readPositive(config: ConfigObject, key: string, fallback?: number): number {
  const value = config[key] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw configProblem(key, 'a number above 0', value)
}

export function readFlag(config: ConfigObject, key: string, fallback: boolean): boolean {
  const value = config[key] ?? fallback
  if (typeof value === 'boolean') return value
  throw configProblem(key, 'true or false', value)
}

/** Refuses a model whose `key` says something this engine does not compute. */
export function requireOneOf(config: ConfigObject, key: string, known: readonly unknown[]): void {
  const value = config[key]
  if (value === undefined || value === null || known.includes(value)) return
  throw configProblem(key, known.map((item) => JSON.stringify(item)).join(' or '), value)
}
