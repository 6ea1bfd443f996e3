// A byte-level tokenizer with exactly one token per byte, and special tokens after them: enough for tiny models.

/** GPT-2's printable stand-in for each byte (Radford et al. 2019). */
export function byteCharacters(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++))
}

/** tokenizer.json and tokenizer_config.json of that tokenizer: ids 0-255 are bytes, the special tokens follow. */
export function byteTokenizer(specialTokens: readonly string[] = []): {
  tokenizerJson: Record<string, unknown>
  tokenizerConfig: object
} {
  return {
    tokenizerJson: {
      version: '1.0',
      added_tokens: specialTokens.map((content, index) => ({
        id: 256 + index,
        content,
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(byteCharacters().map((character, id) => [character, id])),
        merges: [],
      },
    },
    tokenizerConfig: {},
  }
}
