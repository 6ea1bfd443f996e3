// What the library records of a model: where it came from, under which licence, and the hash of every file. A model
// without a manifest that verifies does not exist. The manifest is written last and never changed.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from '#shared/json-record.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'

export const manifestName = 'manifest.json'
export const modelFileNames = [
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const
type ModelFileName = (typeof modelFileNames)[number]

export interface FileRecord {
  readonly sizeBytes: number
  readonly sha256: string
}

const originKinds = ['folder', 'gguf', 'hub', 'package'] as const

export interface ModelOrigin {
  /** A Hugging Face folder or GGUF file given by hand, the Hugging Face hub, or a Python package that carries a GGUF. */
  readonly kind: (typeof originKinds)[number]
  /** Folder or file name, "owner/name" on the hub, or "package version". Never a full path of this computer. */
  readonly from: string
  /** Commit on the hub; null elsewhere. */
  readonly revision: string | null
  /** SHA-256 of every file that was read. */
  readonly files: Readonly<Record<string, string>>
}

const weightTypes = ['float32', 'float16', 'bfloat16', 'mixed'] as const
export type WeightType = (typeof weightTypes)[number]

export interface ModelManifest {
  readonly version: 1
  /** Also the name of its folder: "m-" and 16 hexadecimal digits that follow from the source files' hashes. */
  readonly id: string
  readonly name: string
  readonly family: string
  readonly parameters: number
  readonly weightType: WeightType
  /** Positions that the model was made for. */
  readonly contextTokens: number
  /** Whether it was made for conversations. A decoder needs a chat template to be asked and to be taught answers. */
  readonly hasChatTemplate: boolean
  /** An SPDX identifier or the words of the source; "unknown" where the source says nothing. */
  readonly licence: string
  readonly source: ModelOrigin
  /** Brought by `models add starter`. */
  readonly isStarter: boolean
  readonly weightsSha256: string
  readonly files: Readonly<Record<ModelFileName, FileRecord>>
  readonly addedAtMs: number
}

const idPattern = /^m-[0-9a-f]{16}$/
const sha256Pattern = /^[0-9a-f]{64}$/

/** Ids become folder names, so nothing else may pass for one. */
export const isModelId = (text: string): boolean => idPattern.test(text)

/** A stranger's words, as the manifest takes them: one line of visible characters, never empty. */
export const visibleWords = (text: string, longest: number, otherwise: string): string =>
  text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, longest) || otherwise

export function damagedModel(where: string, message: string, details?: string): Problem {
  return {
    code: 'model.damaged',
    message,
    where,
    remedy: 'Add the model again from where it came: what is damaged is replaced.',
    ...(details === undefined ? {} : { details }),
  }
}

/** Reads and checks the manifest in a model's folder. Problems: `model.damaged`. */
export async function readManifest(folder: string, id: string): Promise<Result<ModelManifest>> {
  const where = `models/${id}/${manifestName}`
  let value: unknown
  try {
    value = JSON.parse(await readFile(join(folder, manifestName), 'utf8'))
  } catch (error) {
    return fail(damagedModel(where, 'The model has no readable manifest.', String(error)))
  }
  const fault = manifestFault(value, id)
  return fault ? fail(damagedModel(where, fault)) : ok(value as ModelManifest)
}

type Check = (value: unknown) => boolean
const isText: Check = (value) => typeof value === 'string' && value !== ''
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isFlag: Check = (value) => typeof value === 'boolean'
const isHash: Check = (value) => typeof value === 'string' && sha256Pattern.test(value)

const fields: Readonly<Record<keyof ModelManifest, Check>> = {
  version: (value) => value === 1,
  id: (value) => typeof value === 'string' && isModelId(value),
  name: isText,
  family: isText,
  parameters: isCount,
  weightType: (value) => weightTypes.some((type) => type === value),
  contextTokens: isCount,
  hasChatTemplate: isFlag,
  licence: isText,
  isStarter: isFlag,
  weightsSha256: isHash,
  addedAtMs: isCount,
  source: (value) =>
    isRecord(value) &&
    originKinds.some((kind) => kind === value.kind) &&
    isText(value.from) &&
    (value.revision === null || isText(value.revision)) &&
    isRecord(value.files) &&
    Object.values(value.files).every(isHash),
  files: (value) =>
    isRecord(value) &&
    Object.keys(value).length === modelFileNames.length &&
    modelFileNames.every((name) => {
      const file = value[name]
      return isRecord(file) && isCount(file.sizeBytes) && isHash(file.sha256)
    }),
}

/** What is wrong with a manifest, or null. */
function manifestFault(value: unknown, id: string): string | null {
  if (!isRecord(value)) return 'The manifest is not a JSON object.'
  for (const [name, check] of Object.entries(fields))
    if (!check(value[name])) return `The manifest's "${name}" is missing or wrong.`
  if (value.id !== id) return 'The manifest belongs to another model.'
  const files = value.files as ModelManifest['files']
  return files['model.safetensors'].sha256 === value.weightsSha256 ? null : "The manifest's hashes disagree."
}
