// SentencePiece BPE vocabularies ("llama" in GGUF): scores become merges, as Hugging Face's converter makes them.
// Refuses vocabularies without scores or without all 256 byte tokens.
import { flagOf, type GgufMetadata, metadataProblem, numbersOf, wholeOf } from './gguf-metadata.ts'
import { type TokenizerParts, tokenTypes, type Vocabulary } from './gguf-vocabulary.ts'

/** U+2581, SentencePiece's visible space. */
const space = '\u2581'
/** Longer tokens (runs of spaces, say) are matched as user-defined tokens, never merged. */
const longestMerged = 128

export function sentencePieceParts(metadata: GgufMetadata, vocabulary: Vocabulary): TokenizerParts {
  const scores = numbersOf(metadata, 'tokenizer.ggml.scores')
  if (scores?.length !== vocabulary.tokens.length)
    throw metadataProblem(
      'tokenizer.ggml.scores',
      `${scores?.length ?? 'No'} scores for ${vocabulary.tokens.length} tokens.`,
    )
  requireByteTokens(vocabulary)
  const unknown = wholeOf(metadata, 'tokenizer.ggml.unknown_token_id')
  const addsPrefix = flagOf(metadata, 'tokenizer.ggml.add_space_prefix') ?? true
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: space }
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: addsPrefix ? [{ type: 'Prepend', prepend: space }, replace] : [replace],
    },
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addsPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown === undefined ? null : (vocabulary.tokens[unknown] ?? null),
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.ids),
      merges: mergesOf(vocabulary, scores),
    },
    addsBos: true,
  }
}

function requireByteTokens({ ids, types }: Vocabulary): void {
  for (let byte = 0; byte < 256; byte += 1) {
    const token = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    const id = ids.get(token)
    if (id === undefined || types[id] !== tokenTypes.byte)
      throw metadataProblem('tokenizer.ggml.tokens', `The byte token ${token} is missing.`)
  }
}

/**
 * All ways to make an ordinary token of two others, best score first; among equals by the ids of the two parts.
 * SentencePiece merges the pair whose result has the best score, so rank = order of scores.
 */
function mergesOf({ tokens, ids, types }: Vocabulary, scores: ArrayLike<number>): [string, string][] {
  const order: number[] = []
  for (let id = 0; id < tokens.length; id += 1)
    if (types[id] === tokenTypes.normal || types[id] === tokenTypes.userDefined) order.push(id)
  order.sort((a, b) => scores[b]! - scores[a]! || a - b)
  const merges: [string, string][] = []
  for (const id of order) {
    const splits: { left: number; right: number }[] = []
    for (const [left, right] of splitsOf(tokens[id]!)) {
      const leftId = ids.get(left)
      const rightId = ids.get(right)
      if (leftId !== undefined && rightId !== undefined) splits.push({ left: leftId, right: rightId })
    }
    splits.sort((a, b) => a.left - b.left || a.right - b.right)
    for (const { left, right } of splits) merges.push([tokens[left]!, tokens[right]!])
  }
  return merges
}

/** Every division of a token into two parts, never inside a surrogate pair. */
function* splitsOf(token: string): Generator<[string, string]> {
  if (token.length > longestMerged) return
  for (let at = 1; at < token.length; at += 1) {
    const isInsidePair = (token.charCodeAt(at) & 0xfc00) === 0xdc00
    if (!isInsidePair) yield [token.slice(0, at), token.slice(at)]
  }
}
