// How text is split before byte-pair merging: llama.cpp's names and the splitting patterns they stand for, both ways.
// Refuses a name or a pattern that it does not know: a guess would give other tokens than the model was trained on.
import { isRecord } from '#shared/json-record.ts'
import { digitsPattern, gpt2Pattern, splitStep } from './split-steps.ts'

const singleDigits = digitsPattern(true)

/** The pattern that Llama 3 and Qwen 2 share but for the number of digits kept together. */
const llama3Like = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`

/** Case-aware words, as GPT-4o and Mistral's Tekken split them. */
const caseAware = (ending: string, digits: string): string =>
  String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${ending}|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${ending}|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

export interface PreTokenizer {
  /** llama.cpp's names for it (tokenizer.ggml.pre); the first is the one that is written. */
  readonly names: readonly string[]
  /** Applied one after another, each to the pieces of the one before; matches are pieces of their own. */
  readonly patterns: readonly string[]
  /** A whole piece that is a token is taken as it is, without merging. */
  readonly ignoreMerges: boolean
  /** Whether llama.cpp adds a beginning-of-text token where the file does not say. */
  readonly addsBos: boolean
}

const plain = { ignoreMerges: false, addsBos: false }

const preTokenizers: readonly PreTokenizer[] = [
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b'],
    patterns: [singleDigits, gpt2Pattern],
    ...plain,
  },
  {
    names: ['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'gigachat', 'a.x-4.0', 'mellum', 'exaone4'],
    patterns: [gpt2Pattern],
    ...plain,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'pixtral', 'midm-2.0', 'lfm2'],
    patterns: [llama3Like(String.raw`\p{N}{1,3}`)],
    ignoreMerges: true,
    addsBos: true,
  },
  { names: ['smaug-bpe', 'dbrx'], patterns: [llama3Like(String.raw`\p{N}{1,3}`)], ...plain },
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'stablelm2', 'megrez'],
    patterns: [llama3Like(singleDigits)],
    ...plain,
  },
  {
    names: ['tekken'],
    patterns: [caseAware('', singleDigits)],
    ignoreMerges: true,
    addsBos: true,
  },
  {
    names: ['gpt-4o', 'llama4'],
    patterns: [caseAware(`(?i:'s|'t|'re|'ve|'m|'ll|'d)?`, String.raw`\p{N}{1,3}`)],
    ...plain,
  },
  {
    names: ['default'],
    patterns: [String.raw`[\p{P}\$\+<=>\^~\|]+`, gpt2Pattern, digitsPattern(false), '[0-9][0-9][0-9]'],
    ...plain,
  },
]

/** The pre-tokenizer that llama.cpp knows under `name`, or null. */
export function preTokenizerNamed(name: string): PreTokenizer | null {
  return preTokenizers.find(({ names }) => names.includes(name)) ?? null
}

/**
 * `pre_tokenizer` of tokenizer.json. Digits and GPT-2's pattern are written out as Split steps: they mean the same to
 * Hugging Face's tokenizers, and JavaScript's port treats only these exactly.
 */
export function preTokenizerJson(preTokenizer: PreTokenizer): object {
  const splits = preTokenizer.patterns.map(splitStep)
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return { type: 'Sequence', pretokenizers: [...splits, bytes] }
}

/**
 * The reverse: which of llama.cpp's pre-tokenizers a tokenizer.json uses, or null. Knows the usual spellings (Digits,
 * Split, ByteLevel with or without its own pattern, sequences of them).
 */
export function preTokenizerOfJson(json: unknown, ignoreMerges: boolean): PreTokenizer | null {
  const patterns = patternsOf(json)
  if (patterns === null) return null
  const key = patterns.map(comparable).join('\n')
  const matching = preTokenizers.filter((candidate) => candidate.patterns.map(comparable).join('\n') === key)
  return matching.find((candidate) => candidate.ignoreMerges === ignoreMerges) ?? null
}

/** The case-insensitive endings are written in two ways that mean the same. */
const comparable = (pattern: string): string =>
  pattern.replaceAll(
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
  )

function patternsOf(json: unknown): string[] | null {
  if (!isRecord(json)) return null
  switch (json.type) {
    case 'Sequence': {
      if (!Array.isArray(json.pretokenizers)) return null
      const parts = json.pretokenizers.map(patternsOf)
      return parts.includes(null) ? null : (parts as string[][]).flat()
    }
    case 'Digits':
      return [digitsPattern(json.individual_digits === true)]
    case 'ByteLevel':
      if (json.add_prefix_space === true) return null
      return json.use_regex === false ? [] : [gpt2Pattern]
    case 'Split':
      if (json.behavior !== 'Isolated' || json.invert === true || !isRecord(json.pattern)) return null
      return typeof json.pattern.Regex === 'string' ? [json.pattern.Regex] : null
    default:
      return null
  }
}
