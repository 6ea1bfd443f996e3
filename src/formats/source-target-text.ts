// Texts for a model that reads a source and writes a target (T5): no chat template. Instruction and text are one source, as
// T5's own prefixes are; source and target each end with the tokenizer's end of text.
import { ignoredLabel } from '#shared/labels.ts'
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import type { LabelledTokens } from './completion-mask.ts'
import type { Tokenizer } from './tokenizer.ts'

type Encoding = Pick<Tokenizer, 'encode' | 'eos'>

/** What tokenizers of sequence-to-sequence models add to a text, and the end that some leave to their program. */
function ended(tokenizer: Encoding, text: string): number[] {
  const { eos } = tokenizer
  if (eos === null)
    throw new ProblemError({
      code: 'tokenizer.invalid',
      message: 'The tokenizer names no end of a text, so the model would never learn where an answer ends.',
      where: 'tokenizer_config.json: eos_token',
      remedy: 'Use the tokenizer files that belong to this model, unchanged.',
    })
  const ids = tokenizer.encode(text, { addSpecialTokens: true })
  return ids.at(-1) === eos.id ? ids : [...ids, eos.id]
}

/** What was said, one after the other, in one line where it was: the instruction, then the text. */
const sourceOf = (prompt: readonly ChatMessage[]): string => prompt.map(({ content }) => content).join(' ')

/** Ids of the source, for generation. */
export const tokenizeSource = (tokenizer: Encoding, prompt: readonly ChatMessage[]): Result<Int32Array> =>
  attempt(() => Int32Array.from(ended(tokenizer, sourceOf(prompt))))

/** Source and target, one behind the other; the target is labelled. An empty answer has no label. */
export const tokenizePair = (
  tokenizer: Encoding,
  prompt: readonly ChatMessage[],
  answer: string,
): Result<LabelledTokens> =>
  attempt(() => {
    const source = ended(tokenizer, sourceOf(prompt))
    const target = answer.trim() === '' ? [] : ended(tokenizer, answer)
    return {
      ids: Int32Array.from([...source, ...target]),
      labels: Int32Array.from([...source.map(() => ignoredLabel), ...target]),
    }
  })
