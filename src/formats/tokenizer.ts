// A tokenizer from tokenizer.json and tokenizer_config.json, over @huggingface/tokenizers. It checks what it is given
// before the library sees it, and refuses to guess: a file it cannot read is a Problem, never another tokenizer.
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { isRecord, type JsonRecord } from '#shared/json-record.ts'
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import { digitsPattern, gpt2Pattern, splitStep } from './split-steps.ts'

/** Ids above this are a lie in the file: the largest published vocabularies have under 300,000 tokens. */
const maxTokenId = 1 << 22
const maxAddedTokens = 100_000
const modelTypes = ['BPE', 'WordPiece', 'Unigram']

export interface SpecialToken {
  readonly text: string
  readonly id: number
}

export interface Tokenizer {
  /**
   * Token ids of `text`. Special tokens written out in the text become their ids, as in Hugging Face's tokenizers.
   * Beginning- and end-of-text tokens are added only with `addSpecialTokens`: a chat template writes its own.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[]
  /** Text of `ids`, without any clean-up of spaces, so that nothing the model wrote is lost. Unknown ids give ''. */
  decode(ids: ArrayLike<number>, options?: { readonly skipSpecialTokens?: boolean }): string
  /** Id of a token as it is written in the vocabulary, or null. */
  tokenId(token: string): number | null
  /** A token as it is written in the vocabulary, or null. */
  tokenOf(id: number): string | null
  /** One more than the largest id, added tokens included; the model's embedding may have more rows. */
  readonly vocabularySize: number
  /** Added tokens that are marked special, and the four below. */
  readonly specialTokens: readonly SpecialToken[]
  readonly bos: SpecialToken | null
  readonly eos: SpecialToken | null
  readonly pad: SpecialToken | null
  readonly unk: SpecialToken | null
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: boolean
}

/** What this file uses of the library; its own declarations do not resolve under Node's module rules. */
interface LibraryApi {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] }
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string
  token_to_id(token: string): number | undefined
  id_to_token(id: number): string | undefined
}
type LibraryConstructor = new (tokenizerJson: object, tokenizerConfig: object) => LibraryApi

const refuse = (message: string, where: string, details?: string): ProblemError =>
  new ProblemError({
    code: 'tokenizer.invalid',
    message,
    where,
    remedy: 'Use the tokenizer files that belong to this model, unchanged.',
    ...(details === undefined ? {} : { details }),
  })

const isTokenId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxTokenId

/**
 * Reads the two parsed JSON files. Problems: `tokenizer.invalid`.
 * Source of the format: the serialisation of huggingface/tokenizers.
 */
export function loadTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): Result<Tokenizer> {
  return attempt(() => {
    const json = checkTokenizerJson(tokenizerJson)
    if (!isRecord(tokenizerConfig))
      throw refuse('The tokenizer configuration is not a JSON object.', 'tokenizer_config.json')
    const config = withPlainTokens(tokenizerConfig)
    let library: LibraryApi
    try {
      library = new (LibraryTokenizer as unknown as LibraryConstructor)(json.file, config)
    } catch (error) {
      throw refuse('The tokenizer uses something Tunewright does not know.', 'tokenizer.json', String(error))
    }
    return wrap(library, json, config)
  })
}

interface CheckedTokenizerJson {
  readonly file: JsonRecord
  readonly added: readonly AddedToken[]
  readonly vocabularySize: number
}

function checkTokenizerJson(value: unknown): CheckedTokenizerJson {
  if (!isRecord(value)) throw refuse('The tokenizer is not a JSON object.', 'tokenizer.json')
  const model = value.model
  if (!isRecord(model)) throw refuse('The tokenizer has no model.', 'tokenizer.json: model')
  // Some old files leave the type out; the library then tells by the fields. A type it does not know it takes for BPE.
  if (model.type !== undefined && !modelTypes.some((type) => type === model.type))
    throw refuse('The tokenizer is of a kind that Tunewright does not know.', 'tokenizer.json: model.type')
  const added = checkAddedTokens(value.added_tokens ?? [])
  let largest = -1
  for (const token of added) largest = Math.max(largest, token.id)
  largest = Math.max(largest, largestVocabularyId(model.vocab))
  if (largest < 0) throw refuse('The vocabulary is empty.', 'tokenizer.json: model.vocab')
  // The library wants these keys to be present; in the file they may be left out.
  const complete = {
    decoder: null,
    post_processor: null,
    normalizer: null,
    ...value,
    added_tokens: added,
    pre_tokenizer: exactPreTokenizer(value.pre_tokenizer ?? null),
  }
  return { file: complete, added, vocabularySize: largest + 1 }
}

/**
 * Two pre-tokenizers of the library differ from the original, so they are written as the splits that they stand for:
 * `Digits` there knows 0-9 only (the original: every numeric character, e.g. Arabic-Indic digits and fractions), and
 * `ByteLevel` takes U+FEFF for white space but not U+0085 (the original: the other way round).
 */
function exactPreTokenizer(value: unknown): unknown {
  if (!isRecord(value)) return value
  if (value.type === 'Sequence' && Array.isArray(value.pretokenizers))
    return { ...value, pretokenizers: value.pretokenizers.map(exactPreTokenizer) }
  if (value.type === 'Digits') return splitStep(digitsPattern(value.individual_digits === true))
  if (value.type === 'ByteLevel' && value.use_regex !== false && value.add_prefix_space !== true)
    return { type: 'Sequence', pretokenizers: [splitStep(gpt2Pattern), { ...value, use_regex: false }] }
  return value
}

function checkAddedTokens(value: unknown): AddedToken[] {
  if (!Array.isArray(value) || value.length > maxAddedTokens)
    throw refuse('The added tokens are not a list, or too many.', 'tokenizer.json: added_tokens')
  return value.map((token: unknown, index) => {
    if (!isRecord(token) || !isTokenId(token.id) || typeof token.content !== 'string' || token.content === '')
      throw refuse('An added token has no id or no text.', `tokenizer.json: added_tokens[${index}]`)
    return token as unknown as AddedToken
  })
}

/** Largest id of a vocabulary: a map from token to id (BPE, WordPiece) or a list of [token, score] (Unigram). */
function largestVocabularyId(vocabulary: unknown): number {
  if (Array.isArray(vocabulary)) {
    if (vocabulary.length > maxTokenId)
      throw refuse('The vocabulary has too many tokens.', 'tokenizer.json: model.vocab')
    return vocabulary.length - 1
  }
  if (!isRecord(vocabulary)) throw refuse('The vocabulary is missing.', 'tokenizer.json: model.vocab')
  let largest = -1
  for (const [token, id] of Object.entries(vocabulary)) {
    if (!isTokenId(id))
      throw refuse(
        `The token ${JSON.stringify(token.slice(0, 40))} has no usable id.`,
        'tokenizer.json: model.vocab',
      )
    if (id > largest) largest = id
  }
  return largest
}

const namedTokens = [
  'bos_token',
  'eos_token',
  'pad_token',
  'unk_token',
  'cls_token',
  'sep_token',
  'mask_token',
]

/** Older files write a token as an object with `content`; the library expects its text. */
function withPlainTokens(config: JsonRecord): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...config }
  for (const key of namedTokens) {
    const token = plainToken(config[key])
    if (token === null) delete plain[key]
    else plain[key] = token
  }
  const additional = config.additional_special_tokens
  if (Array.isArray(additional))
    plain.additional_special_tokens = additional.map(plainToken).filter((token) => token !== null)
  else delete plain.additional_special_tokens
  return plain
}

const plainToken = (value: unknown): string | null => {
  if (typeof value === 'string') return value
  return isRecord(value) && typeof value.content === 'string' ? value.content : null
}

function wrap(library: LibraryApi, json: CheckedTokenizerJson, config: JsonRecord): Tokenizer {
  const named = (key: string): SpecialToken | null => {
    const text = config[key]
    if (typeof text !== 'string') return null
    const id = library.token_to_id(text)
    return id === undefined ? null : { text, id }
  }
  const [bos, eos, pad, unk] = ['bos_token', 'eos_token', 'pad_token', 'unk_token'].map(named)
  const special = new Map<number, SpecialToken>()
  for (const token of json.added)
    if (token.special === true) special.set(token.id, { text: token.content, id: token.id })
  for (const token of [bos, eos, pad, unk]) if (token) special.set(token.id, token)

  return {
    vocabularySize: json.vocabularySize,
    specialTokens: [...special.values()],
    bos: bos ?? null,
    eos: eos ?? null,
    pad: pad ?? null,
    unk: unk ?? null,
    tokenId: (token) => library.token_to_id(token) ?? null,
    tokenOf: (id) => library.id_to_token(id) ?? null,
    encode(text, options = {}) {
      const { ids } = library.encode(text, { add_special_tokens: options.addSpecialTokens ?? false })
      // A byte-level vocabulary knows every text; others may meet a character they have no token for.
      return ids.filter((id) => id !== undefined)
    },
    decode(ids, options = {}) {
      const skip = options.skipSpecialTokens ?? false
      const kept: number[] = []
      for (let at = 0; at < ids.length; at += 1) {
        const id = ids[at] as number
        if (library.id_to_token(id) !== undefined && !(skip && special.has(id))) kept.push(id)
      }
      if (kept.length === 0) return ''
      return library.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: false })
    },
  }
}
