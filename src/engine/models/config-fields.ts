// Reads single fields of a Hugging Face config.json, which is a stranger's file: every fault is a ProblemError.
import type { Problem } from '#shared/result.ts'
import { ProblemError } from '#shared/result.ts'
import type { Activation } from '../ir/types.ts'

export type ConfigObject = Readonly<Record<string, unknown>>

/** No size in a config may be larger: more would not fit an index. */
const largestSize = 2 ** 31 - 1

/** Far above any model there is: a config that says billions must not keep us listing its weights. */
const mostLayers = 1000

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

/** A number of blocks. */
export function readLayers(config: ConfigObject, key: string, fallback?: number): number {
  const layers = readSize(config, key, fallback)
  if (layers <= mostLayers) return layers
  throw configProblem(key, `at most ${mostLayers} blocks`, layers)
}

/** A finite number above 0; `fallback` where the field is absent or null. */
export function readPositive(config: ConfigObject, key: string, fallback?: number): number {
  const value = config[key] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw configProblem(key, 'a number above 0', value)
}

/** A number above 0, null where the field is null; `fallback` only where it is absent. */
export function readPositiveOrNull(
  config: ConfigObject,
  key: string,
  fallback: number | null,
): number | null {
  const value = config[key] === undefined ? fallback : config[key]
  return value === null ? null : readPositive({ [key]: value }, key)
}

/** As `readPositiveOrNull` with a whole number. */
export function readSizeOrNull(config: ConfigObject, key: string, fallback: number | null): number | null {
  const value = config[key] === undefined ? fallback : config[key]
  return value === null ? null : readSize({ [key]: value }, key)
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

/** One entry for each block, every one of `known`; null where the field is absent. Longer lists are cut. */
export function readPerLayer<T>(
  config: ConfigObject,
  key: string,
  layers: number,
  known: readonly T[],
): readonly T[] | null {
  const value = config[key]
  if (value === undefined || value === null) return null
  if (!Array.isArray(value) || value.length < layers)
    throw configProblem(key, `a list with an entry for each of the ${layers} blocks`, value)
  return value.slice(0, layers).map((item: unknown) => {
    const found = known.find((candidate) => candidate === item)
    if (found !== undefined) return found
    throw configProblem(key, known.map((candidate) => JSON.stringify(candidate)).join(' or '), item)
  })
}

/** `count` finite numbers above 0. */
export function readNumbers(config: ConfigObject, key: string, count: number): readonly number[] {
  const value = config[key]
  if (!Array.isArray(value) || value.length !== count)
    throw configProblem(key, `a list of ${count} numbers`, value)
  return value.map((_, index) => readPositive({ [key]: value[index] }, key))
}

/** transformers' names of activations (ACT2FN). */
const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu',
  tanh: 'tanh',
}

export function activationOf(where: string, name: unknown): Activation {
  const activation = typeof name === 'string' && Object.hasOwn(activations, name) ? activations[name] : null
  if (activation) return activation
  throw configProblem(where, `one of ${Object.keys(activations).join(', ')}`, name)
}

export const readActivation = (config: ConfigObject, key: string, fallback: string): Activation =>
  activationOf(key, config[key] ?? fallback)
