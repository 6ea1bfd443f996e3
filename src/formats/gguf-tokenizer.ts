// The tokenizer inside a GGUF as Hugging Face's tokenizer.json and tokenizer_config.json. Refuses vocabularies of other
// kinds than byte-level BPE and SentencePiece BPE, and pre-tokenizers that it does not know: it never guesses.
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import {
  flagOf,
  type GgufMetadata,
  metadataProblem,
  numbersOf,
  textOf,
  textsOf,
  wholeOf,
} from './gguf-metadata.ts'
import { preTokenizerJson, preTokenizerNamed } from './gguf-pre-tokenizers.ts'
import { sentencePieceParts } from './gguf-sentencepiece.ts'
import {
  namedTokens,
  splitMerge,
  type TokenizerParts,
  tokenTypes,
  type Vocabulary,
} from './gguf-vocabulary.ts'
import { quoteForeign } from './weight-problems.ts'

export interface TokenizerFiles {
  /** What tokenizer.json holds. */
  readonly tokenizerJson: object
  /** What tokenizer_config.json holds, the chat template included. */
  readonly tokenizerConfig: object
}

/** Problems: gguf.invalid (with the metadata key), gguf.unsupported. */
export function tokenizerOfGguf(metadata: GgufMetadata): Result<TokenizerFiles> {
  return attempt(() => {
    const kind = textOf(metadata, 'tokenizer.ggml.model')
    if (kind === undefined) throw metadataProblem('tokenizer.ggml.model', 'The file has no tokenizer.')
    const vocabulary = readVocabulary(metadata)
    if (kind === 'gpt2') return assemble(metadata, vocabulary, byteLevelParts(metadata, vocabulary))
    if (kind === 'llama') return assemble(metadata, vocabulary, sentencePieceParts(metadata, vocabulary))
    throw unsupportedTokenizer(`The tokenizer is of the kind ${quoteForeign(kind)}`, 'tokenizer.ggml.model')
  })
}

function unsupportedTokenizer(what: string, key: string): ProblemError {
  return new ProblemError({
    code: 'gguf.unsupported',
    message: `${what}, which cannot be rebuilt without guessing.`,
    where: `metadata key ${quoteForeign(key)}`,
    remedy: 'Import this model from its Hugging Face folder, which has the tokenizer in full.',
  })
}

function readVocabulary(metadata: GgufMetadata): Vocabulary {
  const key = 'tokenizer.ggml.tokens'
  const tokens = textsOf(metadata, key)
  if (tokens === undefined || tokens.length === 0) throw metadataProblem(key, 'The vocabulary is missing.')
  const ids = new Map<string, number>()
  for (const [id, token] of tokens.entries()) {
    const earlier = ids.get(token)
    if (earlier !== undefined)
      throw metadataProblem(key, `Token ${id} is the same as token ${earlier}: ${quoteForeign(token)}.`)
    ids.set(token, id)
  }
  const types = numbersOf(metadata, 'tokenizer.ggml.token_type') ?? new Uint8Array(tokens.length).fill(1)
  if (types.length !== tokens.length)
    throw metadataProblem(
      'tokenizer.ggml.token_type',
      `${types.length} token types for ${tokens.length} tokens.`,
    )
  return { tokens, ids, types }
}

function byteLevelParts(metadata: GgufMetadata, vocabulary: Vocabulary): TokenizerParts {
  const name = textOf(metadata, 'tokenizer.ggml.pre') ?? 'default'
  const preTokenizer = preTokenizerNamed(name)
  if (!preTokenizer)
    throw unsupportedTokenizer(`The text splitting is called ${quoteForeign(name)}`, 'tokenizer.ggml.pre')
  return {
    normalizer: null,
    preTokenizer: preTokenizerJson(preTokenizer),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: preTokenizer.ignoreMerges,
      vocab: Object.fromEntries(vocabulary.ids),
      merges: readMerges(metadata, vocabulary.ids),
    },
    addsBos: preTokenizer.addsBos,
  }
}

/** In order of rank. Each part and the joined token must be in the vocabulary. */
function readMerges(metadata: GgufMetadata, ids: ReadonlyMap<string, number>): [string, string][] {
  const key = 'tokenizer.ggml.merges'
  const merges = textsOf(metadata, key)
  if (merges === undefined) throw metadataProblem(key, 'The merges are missing.')
  return merges.map((merge, rank) => {
    const parts = splitMerge(merge)
    if (!parts || !ids.has(parts[0]) || !ids.has(parts[1]) || !ids.has(parts.join('')))
      throw metadataProblem(key, `Merge ${rank} is not made of known tokens: ${quoteForeign(merge)}.`)
    return parts
  })
}

function assemble(metadata: GgufMetadata, vocabulary: Vocabulary, parts: TokenizerParts): TokenizerFiles {
  const named: Record<string, string> = {}
  const namedIds = new Set<number>()
  for (const [name, key] of namedTokens) {
    const id = wholeOf(metadata, key)
    if (id === undefined) continue
    const token = vocabulary.tokens[id]
    if (token === undefined)
      throw metadataProblem(key, `Token ${id} does not exist; there are ${vocabulary.tokens.length}.`)
    named[name] = token
    if (vocabulary.types[id] !== tokenTypes.normal) namedIds.add(id)
  }
  const addsBos = flagOf(metadata, 'tokenizer.ggml.add_bos_token') ?? parts.addsBos
  const addsEos = flagOf(metadata, 'tokenizer.ggml.add_eos_token') ?? false
  const template = textOf(metadata, 'tokenizer.chat_template')
  const architecture = textOf(metadata, 'general.architecture') ?? ''
  const contextTokens = wholeOf(metadata, `${architecture}.context_length`, 1)
  return {
    tokenizerJson: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(vocabulary, namedIds),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: postProcessor(vocabulary, {
        before: addsBos ? named.bos_token : undefined,
        after: addsEos ? named.eos_token : undefined,
      }),
      decoder: parts.decoder,
      model: parts.model,
    },
    tokenizerConfig: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...named,
      add_bos_token: addsBos,
      add_eos_token: addsEos,
      clean_up_tokenization_spaces: false,
      ...(contextTokens === undefined ? {} : { model_max_length: contextTokens }),
      ...(template === undefined ? {} : { chat_template: template }),
    },
  }
}

/** Tokens that are found in text before anything else: control tokens (special) and the user's own. */
function addedTokens(vocabulary: Vocabulary, namedIds: ReadonlySet<number>): object[] {
  const added: object[] = []
  for (const [id, content] of vocabulary.tokens.entries()) {
    const type = vocabulary.types[id]
    const isSpecial = type === tokenTypes.control || type === tokenTypes.unknown || namedIds.has(id)
    if (!isSpecial && type !== tokenTypes.userDefined) continue
    if (content === '') throw metadataProblem('tokenizer.ggml.tokens', `The control token ${id} is empty.`)
    added.push({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: isSpecial,
    })
  }
  return added
}

function postProcessor(
  vocabulary: Vocabulary,
  { before, after }: { before: string | undefined; after: string | undefined },
): object | null {
  if (before === undefined && after === undefined) return null
  const special = (token: string | undefined, type: number): object[] =>
    token === undefined ? [] : [{ SpecialToken: { id: token, type_id: type } }]
  const text = (id: 'A' | 'B', type: number): object[] => [
    ...special(before, type),
    { Sequence: { id, type_id: type } },
    ...special(after, type),
  ]
  const tokens = [before, after].filter((token) => token !== undefined)
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(
      tokens.map((token) => [token, { id: token, ids: [vocabulary.ids.get(token)], tokens: [token] }]),
    ),
  }
}
