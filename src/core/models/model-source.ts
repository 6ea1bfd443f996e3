// What the importer needs of a model, wherever it comes from. A source has been checked completely except for the
// numbers themselves: sizes, names, shapes, vocabulary, and that its text rules end in time.
import { createHash } from 'node:crypto'
import type { ModelConfig } from '#engine/index.ts'
import { chatTemplateSource } from '#formats/chat-template.ts'
import type { SafetensorsInput } from '#formats/safetensors.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { ModelOrigin, WeightType } from './manifest.ts'
import { probeTextSide } from './probe.ts'
import { type FileState, openUnchanged, requireUnchanged } from './safe-files.ts'

/** The three text files of a model, parsed. `tokenizerConfig` holds the chat template, if there is one. */
export interface ModelTexts {
  readonly config: unknown
  readonly tokenizer: unknown
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
}

export interface ModelSource {
  readonly name: string
  readonly licence: string
  readonly origin: Omit<ModelOrigin, 'files'>
  /** Every file that is read; their hashes decide the model's id. */
  readonly files: readonly FileState[]
  readonly config: ModelConfig
  readonly texts: ModelTexts
  readonly weightType: WeightType
  /** The weights in the order of the model, ready for the writer. Called once. */
  readonly tensors: () => Promise<readonly SafetensorsInput[]>
  readonly close: () => Promise<void>
}

export interface ImportProgress {
  readonly phase: 'looking' | 'reading' | 'writing' | 'downloading' | 'unpacking'
  /** For a person, e.g. "Writing the weights". */
  readonly text: string
  readonly doneBytes: number
  /** Null where the size is not known beforehand. */
  readonly totalBytes: number | null
}
export type OnProgress = (progress: ImportProgress) => void

const pieceBytes = 1 << 20

/** SHA-256 of every file of the source, by name. */
export async function hashFiles(
  files: readonly FileState[],
  onProgress: OnProgress,
): Promise<Record<string, string>> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const hashes: Record<string, string> = {}
  let doneBytes = 0
  for (const file of files) {
    const hash = createHash('sha256')
    const source = await openUnchanged(file)
    try {
      for (let at = 0; at < file.sizeBytes; at += pieceBytes) {
        const piece = await source.read(at, Math.min(pieceBytes, file.sizeBytes - at))
        hash.update(piece)
        doneBytes += piece.byteLength
        onProgress({ phase: 'reading', text: `Reading ${file.name}`, doneBytes, totalBytes })
      }
    } finally {
      await source.close()
    }
    hashes[file.name] = hash.digest('hex')
  }
  await requireUnchanged(files)
  return hashes
}

/** The rules of the normalised form; a change of them gives every model a new id. */
const normalForm = 'tunewright model 1'

/** The same files give the same id, whatever they are called and wherever they lay. */
export function modelIdOf(hashes: Readonly<Record<string, string>>): string {
  const lines = [normalForm, ...Object.values(hashes).sort()]
  return `m-${createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16)}`
}

/** Runs tokenizer and template once under a time limit, and checks that the model knows every token. */
export async function checkTexts(texts: ModelTexts, config: ModelConfig): Promise<void> {
  const facts = unwrap(
    await probeTextSide({
      tokenizerText: JSON.stringify(texts.tokenizer),
      tokenizerConfigText: JSON.stringify(texts.tokenizerConfig),
      templateSource: chatTemplateSource(texts.tokenizerConfig),
    }),
  )
  if (facts.vocabularySize > config.vocabulary)
    throw new ProblemError({
      code: 'tokenizer.invalid',
      message: `The tokenizer has ${facts.vocabularySize} tokens, but the model knows ${config.vocabulary}.`,
      where: 'tokenizer.json',
      remedy: 'Use the tokenizer files that belong to this model.',
    })
}
