// What the two kinds of GGUF vocabularies share. Types and the numbers of token kinds only.

/** Kinds of tokens, tokenizer.ggml.token_type. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

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
