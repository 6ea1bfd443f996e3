// tokenizer.json and tokenizer_config.json as GGUF metadata, so that llama.cpp gives the same tokens. Refuses anything
// but byte-level BPE with a known pre-tokenizer, and SentencePiece BPE with byte fallback.

import { isRecord, type JsonRecord } from '#shared/json-record.ts'
import { ProblemError } from '#shared/result.ts'
import { chatTemplateSource } from './chat-template.ts'
import { preTokenizerOfJson } from './gguf-pre-tokenizers.ts'
import type { GgufValue } from './gguf-types.ts'
import { namedTokens, splitMerge, tokenTypes } from './gguf-vocabulary.ts'

function refuse(message: string, where: string): ProblemError {
  return new ProblemError({
    code: 'tokenizer.invalid',
    message,
    where: `tokenizer.json: ${where}`,
    remedy: 'This tokenizer cannot be written as GGUF. Export as a Hugging Face folder instead.',
  })
}

const texts = (items: readonly string[]): GgufValue => ({ type: 'array', itemType: 'string', items })

/**
 * The tokenizer.* entries. Ids without a token up to `vocabularySize` get placeholders that llama.cpp never produces.
 * Throws a ProblemError (tokenizer.invalid).
 */
export function ggufVocabularyEntries(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  vocabularySize: number,
): [string, GgufValue][] {
  const json = isRecord(tokenizerJson) ? tokenizerJson : {}
  const config = isRecord(tokenizerConfig) ? tokenizerConfig : {}
  if (!isRecord(json.model) || json.model.type !== 'BPE' || !isRecord(json.model.vocab))
    throw refuse('The tokenizer is not of the BPE kind.', 'model')
  const isSentencePiece = json.model.byte_fallback === true
  const { tokens, types } = listTokens(json, json.model.vocab, vocabularySize, isSentencePiece)
  const merges = listMerges(json.model.merges)
  return [
    ...(isSentencePiece
      ? sentencePieceEntries(json, tokens, merges)
      : byteLevelEntries(json, json.model, merges)),
    ['tokenizer.ggml.tokens', texts(tokens)],
    ['tokenizer.ggml.token_type', { type: 'array', itemType: 'i32', items: types }],
    ...namedEntries(config, tokens),
    ...addingEntries(json, config),
    ...templateEntries(config),
  ]
}

function listTokens(
  json: JsonRecord,
  vocabulary: JsonRecord,
  size: number,
  isSentencePiece: boolean,
): { tokens: string[]; types: Int32Array } {
  const tokens: string[] = Array.from({ length: size }, (_, id) => `[unused ${id}]`)
  const types = new Int32Array(size).fill(tokenTypes.unused)
  const put = (content: unknown, id: unknown, type: number): void => {
    if (
      typeof content !== 'string' ||
      typeof id !== 'number' ||
      !Number.isInteger(id) ||
      id < 0 ||
      id >= size
    )
      throw refuse(`A token has the id ${String(id)}; the model has ${size} rows.`, 'model.vocab')
    tokens[id] = content
    types[id] = type
  }
  for (const [content, id] of Object.entries(vocabulary)) {
    const isByte = isSentencePiece && /^<0x[0-9A-F]{2}>$/.test(content)
    put(content, id, isByte ? tokenTypes.byte : tokenTypes.normal)
  }
  for (const token of Array.isArray(json.added_tokens) ? json.added_tokens : [])
    if (isRecord(token))
      put(token.content, token.id, token.special === true ? tokenTypes.control : tokenTypes.userDefined)
  const unknown = isRecord(json.model) ? json.model.unk_token : null
  if (isSentencePiece && typeof unknown === 'string') types[tokens.indexOf(unknown)] = tokenTypes.unknown
  return { tokens, types }
}

/** Merges as pairs, whichever of the two spellings of tokenizer.json they have. */
function listMerges(value: unknown): [string, string][] {
  if (!Array.isArray(value)) throw refuse('The merges are missing.', 'model.merges')
  return value.map((merge: unknown, rank) => {
    const parts: unknown = typeof merge === 'string' ? splitMerge(merge) : merge
    const [left, right] = Array.isArray(parts) ? parts : []
    if (typeof left !== 'string' || typeof right !== 'string')
      throw refuse('A merge is not a pair of tokens.', `model.merges[${rank}]`)
    return [left, right]
  })
}

function byteLevelEntries(
  json: JsonRecord,
  model: JsonRecord,
  merges: readonly [string, string][],
): [string, GgufValue][] {
  const preTokenizer = preTokenizerOfJson(json.pre_tokenizer, model.ignore_merges === true)
  const name = preTokenizer?.names[0]
  if (name === undefined || (json.normalizer ?? null) !== null)
    throw refuse('Its way of splitting text has no name in llama.cpp.', 'pre_tokenizer')
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: name }],
    ['tokenizer.ggml.merges', texts(merges.map(([left, right]) => `${left} ${right}`))],
  ]
}

/** Scores are minus the rank of a token's first merge: SentencePiece then merges in the same order. */
function sentencePieceEntries(
  json: JsonRecord,
  tokens: readonly string[],
  merges: readonly [string, string][],
): [string, GgufValue][] {
  const ranks = new Map<string, number>()
  for (const [rank, [left, right]] of merges.entries())
    if (!ranks.has(left + right)) ranks.set(left + right, rank)
  const scores = Float32Array.from(tokens, (token) => -(ranks.get(token) ?? merges.length))
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'default' }],
    ['tokenizer.ggml.scores', { type: 'array', itemType: 'f32', items: scores }],
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: addsPrefixSpace(json) }],
  ]
}

/** Whether a text gets a space in front before it is split: by a normalizer's step, or by Metaspace's scheme. */
function addsPrefixSpace(json: JsonRecord): boolean {
  const steps = [...stepsOf(json.normalizer, 'normalizers'), ...stepsOf(json.pre_tokenizer, 'pretokenizers')]
  return steps.some(({ type, prepend_scheme: scheme, add_prefix_space: isOld }) => {
    // Before there were schemes, `add_prefix_space` said it, and it was true where it was left out.
    if (type === 'Metaspace') return (scheme ?? (isOld === false ? 'never' : 'always')) !== 'never'
    return type === 'Prepend'
  })
}

/** A named token is a text or an object with `content`. */
const contentOf = (token: unknown): unknown => (isRecord(token) ? token.content : token)

function namedEntries(config: JsonRecord, tokens: readonly string[]): [string, GgufValue][] {
  const entries: [string, GgufValue][] = []
  for (const [name, key] of namedTokens) {
    const content = contentOf(config[name])
    const id = typeof content === 'string' ? tokens.indexOf(content) : -1
    if (id >= 0) entries.push([key, { type: 'u32', value: id }])
  }
  return entries
}

function templateEntries(config: JsonRecord): [string, GgufValue][] {
  const value = chatTemplateSource(config)
  return value === null ? [] : [['tokenizer.chat_template', { type: 'string', value }]]
}

/** Which tokens Hugging Face would add around a text: what the post-processor says, else the configuration. */
function addingEntries(json: JsonRecord, config: JsonRecord): [string, GgufValue][] {
  const steps = stepsOf(json.post_processor, 'processors')
  const template = steps.find((step) => step.type === 'TemplateProcessing')
  const items: unknown[] = Array.isArray(template?.single) ? template.single : []
  const textAt = items.findIndex((item) => isRecord(item) && 'Sequence' in item)
  const addsBos = template ? textAt > 0 : config.add_bos_token === true
  const addsEos = template ? textAt < items.length - 1 : config.add_eos_token === true
  return [
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: addsBos }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: addsEos }],
  ]
}

/** The steps of one part of tokenizer.json: itself, or those of the sequence (of sequences) that it is. */
function stepsOf(value: unknown, list: 'normalizers' | 'pretokenizers' | 'processors'): JsonRecord[] {
  if (!isRecord(value)) return []
  const inner: unknown = value.type === 'Sequence' ? value[list] : null
  return Array.isArray(inner) ? inner.flatMap((step) => stepsOf(step, list)) : [value]
}
