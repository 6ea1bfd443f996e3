// What GGUF vocabularies of both kinds share, read and written: kinds of tokens, named tokens, the text of a merge.

/** Kinds of tokens, tokenizer.ggml.token_type. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** Name in tokenizer_config.json and the metadata key that holds its id. */
export const namedTokens = [
  ['bos_token', 'tokenizer.ggml.bos_token_id'],
  ['eos_token', 'tokenizer.ggml.eos_token_id'],
  ['unk_token', 'tokenizer.ggml.unknown_token_id'],
  ['pad_token', 'tokenizer.ggml.padding_token_id'],
] as const

/** "a b" -> ["a", "b"]; null where it is not two texts with a space between them. */
export function splitMerge(merge: string): [left: string, right: string] | null {
  const space = merge.indexOf(' ', 1)
  return space < 0 ? null : [merge.slice(0, space), merge.slice(space + 1)]
}

/** What both kinds of vocabularies have. */
export interface Vocabulary {
  readonly tokens: readonly string[]
  readonly ids: ReadonlyMap<string, number>
  readonly types: ArrayLike<number>
}

/** The parts of tokenizer.json in which the kinds of tokenizers differ. */
export interface TokenizerParts {
  readonly normalizer: object | null
  readonly preTokenizer: object | null
  readonly decoder: object
  readonly model: object
  /** Whether a beginning-of-text token is added where the file does not say. */
  readonly addsBos: boolean
}
