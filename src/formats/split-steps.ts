// Splitting of text before byte-pair merging as tokenizer.json writes it: the patterns that several names stand for, and
// the one step that JavaScript's and Rust's tokenizers treat alike.

/** GPT-2's pattern (Radford et al. 2019), which `ByteLevel` stands for. */
export const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

/** What `Digits` stands for: every numeric character, or every run of them, is a piece of its own. */
export const digitsPattern = (areIndividual: boolean): string =>
  String.raw`\p{N}` + (areIndividual ? '' : '+')

/** Matches of the pattern, and what lies between them, are pieces. */
export const splitStep = (pattern: string) => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
})
