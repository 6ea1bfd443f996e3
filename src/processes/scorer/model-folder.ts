// A model folder of the library, opened for computing: config, text side, and where every weight lies. Checks what it
// reads; computes nothing.
import { join } from 'node:path'
import { readModelConfig, readModelJson } from '#core/models/model-json.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import {
  type BuiltGraph,
  type ModelConfig,
  type ReadWeight,
  ropeWeights,
  type WeightLocation,
} from '#engine/index.ts'
import { type ChatTemplate, chatTemplateSource, compileChatTemplate } from '#formats/chat-template.ts'
import { type LabelledTokens, tokenizeExample, tokenizePrompt } from '#formats/completion-mask.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { tokenizePair, tokenizeSource } from '#formats/source-target-text.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { fail, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'

export interface TextSide {
  readonly tokenizer: Tokenizer
  /** Ids of what is asked, up to the place where the answer begins. */
  encodePrompt(prompt: readonly ChatMessage[]): Result<Int32Array>
  /** What is asked and the answer, which is labelled. */
  encodeExample(prompt: readonly ChatMessage[], answer: string): Result<LabelledTokens>
  /** A conversation; one text; or nothing: a model that was not made for conversations refuses all but plain texts. */
  readonly reads: 'conversation' | 'source' | 'text'
}

/** Tokens that a row may have: a model with learned or turned positions has a last one, one that goes by distance has none. */
export const mostTokensOf = (
  { maxPositions, relativePositions }: Pick<ModelConfig, 'maxPositions' | 'relativePositions'>,
  wanted: number,
): number => (relativePositions === null ? Math.min(wanted, maxPositions) : wanted)

const weightsFile = 'model.safetensors'

const damaged = (where: string, message: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message,
    where,
    remedy: 'Add the model again, or train the run again if it is a trained version.',
  })

/** Stands for the template of a model that has none: plain texts are read without one, a conversation is refused. */
const noTemplate = (folder: string): ChatTemplate => ({
  source: '',
  render: () =>
    fail({
      code: 'template.invalid',
      message: 'This model has no chat template, so it cannot be asked in a conversation.',
      where: join(folder, 'tokenizer_config.json'),
      remedy: 'Choose an instruct or chat version of this model.',
    }),
})

/** Tokenizer of a model folder, and how the model is asked: by its chat template, or with a source. Throws ProblemError. */
export async function readTextSide(folder: string): Promise<TextSide> {
  const config = await readModelJson(folder, 'tokenizer_config.json')
  const tokenizer = unwrap(loadTokenizer(await readModelJson(folder, 'tokenizer.json'), config))
  if ((await readModelConfig(folder)).kind === 'sequence-to-sequence')
    return {
      tokenizer,
      reads: 'source',
      encodePrompt: (prompt) => tokenizeSource(tokenizer, prompt),
      encodeExample: (prompt, answer) => tokenizePair(tokenizer, prompt, answer),
    }
  const source = chatTemplateSource(config)
  const tokens = { bosToken: tokenizer.bos?.text ?? null, eosToken: tokenizer.eos?.text ?? null }
  const template = source === null ? noTemplate(folder) : unwrap(compileChatTemplate(source, tokens))
  return {
    tokenizer,
    reads: source === null ? 'text' : 'conversation',
    encodePrompt: (prompt) => tokenizePrompt(tokenizer, template, prompt),
    encodeExample: (prompt, answer) => tokenizeExample(tokenizer, template, prompt, answer),
  }
}

/** Weights of the model as float32, one after the other; null where the file does not hold one. Throws ProblemError. */
export async function openWeights(folder: string): Promise<{ read: ReadWeight; close(): Promise<void> }> {
  const file = await openFileBytes(join(folder, weightsFile))
  const { tensors } = unwrap(await readSafetensorsHeader(file))
  return {
    async read(name) {
      const entry = tensors.get(name)
      return entry ? unwrap(await readFloat32(file, entry)) : null
    },
    close: () => file.close(),
  }
}

const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/**
 * Where every weight that a graph has frozen lies, and rope tables for `positions` positions; `quantised` weights are read
 * in place of those of the model's own file. Throws ProblemError.
 */
export async function locateWeights(
  folder: string,
  config: ModelConfig,
  { frozen }: Pick<BuiltGraph, 'frozen'>,
  positions: number,
  quantised: ReadonlyMap<string, WeightLocation> = new Map(),
): Promise<Map<string, WeightLocation>> {
  const file = await openFileBytes(join(folder, weightsFile))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const ropes = ropeWeights(config, positions)
    const locations = new Map<string, WeightLocation>()
    for (const { name } of frozen) {
      const tensor = ropes.get(name)
      const known = tensor ? ({ kind: 'memory', tensor } as const) : quantised.get(name)
      if (known) {
        locations.set(name, known)
        continue
      }
      const entry = tensors.get(name)
      const dtype = entry && dtypeNames[entry.dtype as keyof typeof dtypeNames]
      if (!entry || !dtype)
        throw damaged(
          `${join(folder, weightsFile)}, ${name}`,
          'A weight of the model is missing or unusable.',
        )
      const { offsetBytes, lengthBytes, shape } = entry
      locations.set(name, { kind: 'file', folder, file: weightsFile, offsetBytes, lengthBytes, dtype, shape })
    }
    return locations
  } finally {
    await file.close()
  }
}
