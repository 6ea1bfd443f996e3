// A Hugging Face folder as a model source: safetensors, config.json, tokenizer.json, tokenizer_config.json. Everything
// else in the folder is left alone: programs are never run, pickles never opened.
import { basename } from 'node:path'
import { type ModelConfig, parseModelConfig } from '#engine/index.ts'
import { templateLimits } from '#formats/chat-template-budget.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { findLicence } from './licence.ts'
import { checkTexts, type ModelSource, type ModelTexts } from './model-source.ts'
import {
  type FileState,
  listFolder,
  openFolder,
  parseForeignJson,
  readText,
  statFileIn,
} from './safe-files.ts'
import { openWeights } from './shards.ts'

const textLimits = {
  config: 1 << 20,
  tokenizer: 64 << 20,
  tokenizerConfig: 16 << 20,
} as const

/** Files that can hold Python pickles: opening one runs whatever program its author put there. */
const picklePattern = /\.(bin|pt|pth|ckpt|pkl|pickle|mdl|npy|npz|h5|keras|joblib|msgpack|zip)$/i

/** Throws ProblemError. The weight files stay open until `close`. */
export async function openFolderSource(path: string): Promise<ModelSource> {
  const folder = await openFolder(path)
  const names = await listFolder(folder)
  const { texts, files: textFiles } = await readTexts(folder, names)
  const readConfig = (names: Iterable<string>): ModelConfig => unwrap(parseModelConfig(texts.config, names))
  // A config that cannot be used is said before the weights are looked at.
  readConfig([])
  const weights = await openWeights(folder, readConfig)
  if (!weights) throw noWeights(folder, names)
  try {
    await checkTexts(texts, weights.config)
    return {
      name: nameOf(folder),
      licence: await findLicence(folder),
      origin: { kind: 'folder', from: nameOf(folder), revision: null },
      files: [...textFiles, ...weights.files],
      config: weights.config,
      texts,
      weightType: weights.weightType,
      tensors: weights.tensors,
      close: weights.close,
    }
  } catch (error) {
    await weights.close()
    throw error
  }
}

/** The folder's own name; for a snapshot in a Hugging Face cache the model's name, which is two folders up. */
function nameOf(folder: string): string {
  const cached = /models--[^/\\]+?--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(folder)
  return cached?.[1] ?? (basename(folder) || 'model')
}

async function readTexts(
  folder: string,
  names: readonly string[],
): Promise<{ texts: ModelTexts; files: FileState[] }> {
  const files: FileState[] = []
  const need = async (name: string, remedy: string): Promise<FileState> => {
    const file = await statFileIn(folder, name)
    if (!file) throw missingFile(name, folder, remedy)
    files.push(file)
    return file
  }
  const whole = 'Choose the folder that has config.json, model.safetensors and tokenizer.json.'
  const configText = await readText(
    await need('config.json', whole),
    textLimits.config,
    'model.invalid-config',
  )
  const config = parseForeignJson(configText, 'config.json')
  const hasOldForm = names.includes('tokenizer.model') && !names.includes('tokenizer.json')
  const tokenizer = parseLargeJson(
    await readText(
      await need(
        'tokenizer.json',
        hasOldForm ? 'Save the tokenizer in the fast format (tokenizer.json).' : whole,
      ),
      textLimits.tokenizer,
      'tokenizer.invalid',
    ),
    'tokenizer.json',
  )
  const configFile = await statFileIn(folder, 'tokenizer_config.json')
  let tokenizerConfig: Record<string, unknown> = {}
  if (configFile) {
    files.push(configFile)
    const text = await readText(configFile, textLimits.tokenizerConfig, 'tokenizer.invalid')
    const value = parseLargeJson(text, 'tokenizer_config.json')
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw notJson('tokenizer_config.json', 'It is not a JSON object.')
    tokenizerConfig = { ...value }
  }
  const templateFile = await statFileIn(folder, 'chat_template.jinja')
  if (templateFile) {
    files.push(templateFile)
    // Newer models keep the template in a file of its own, which then counts.
    tokenizerConfig.chat_template = await readText(
      templateFile,
      templateLimits.sourceBytes,
      'template.invalid',
    )
  }
  return { texts: { config, tokenizer, tokenizerConfig }, files }
}

const notJson = (where: string, details: string): ProblemError =>
  new ProblemError({
    code: 'tokenizer.invalid',
    message: 'The file is not the JSON it should be.',
    where,
    remedy: 'Download or copy the file again.',
    details,
  })

/** A vocabulary has hundreds of thousands of keys: the strict parser would take seconds, and no key decides anything. */
function parseLargeJson(text: string, where: string): unknown {
  // Parsing deep nesting is harmless, but writing it again would overflow the stack.
  if (nestingDepth(text) > maxJsonDepth) throw notJson(where, `nested more than ${maxJsonDepth} deep`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notJson(where, String(error))
  }
}

const maxJsonDepth = 64

/** Greatest number of brackets open at once, outside of texts. */
function nestingDepth(json: string): number {
  let depth = 0
  let deepest = 0
  let isInText = false
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at]
    if (isInText) {
      if (character === '\\') at += 1
      else if (character === '"') isInText = false
    } else if (character === '"') isInText = true
    else if (character === '[' || character === '{') {
      depth += 1
      deepest = Math.max(deepest, depth)
    } else if (character === ']' || character === '}') depth -= 1
  }
  return deepest
}

const missingFile = (name: string, folder: string, remedy: string): ProblemError =>
  new ProblemError({
    code: 'file.missing',
    message: `The folder has no ${name}.`,
    where: basename(folder),
    remedy,
  })

function noWeights(folder: string, names: readonly string[]): ProblemError {
  const pickles = names.filter((name) => picklePattern.test(name))
  return pickles.length === 0
    ? missingFile('model.safetensors', folder, 'Choose the folder that has model.safetensors.')
    : neverOpened(pickles, basename(folder))
}

function neverOpened(pickles: readonly string[], where: string): ProblemError {
  const shown = pickles.slice(0, 10).join(', ')
  return new ProblemError({
    code: 'file.unsafe',
    message: `The weights are in a format that can run programs when it is opened, so it is never opened: ${shown}${pickles.length > 10 ? ` and ${pickles.length - 10} more` : ''}.`,
    where,
    remedy: 'Use the model as safetensors; most publishers offer both.',
  })
}

/** Refuses a single file that is only a part of a model, or could run a program. Throws ProblemError. */
export function requireWholeModel(path: string): void {
  const name = basename(path)
  if (picklePattern.test(name)) throw neverOpened([name], name)
  if (!name.endsWith('.safetensors') && !name.endsWith('.json')) return
  throw new ProblemError({
    code: 'usage.invalid',
    message: 'This file is only a part of a model.',
    where: name,
    remedy: 'Add the folder that it lies in.',
  })
}
