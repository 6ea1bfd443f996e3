// Tokenizers for tests: the starter model's own, read from its GGUF, and a tiny one that knows single bytes only.
import { openFileBytes } from '#core/system/file-bytes.ts'
import { readGguf } from '#formats/gguf.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { unwrap } from '#shared/result.ts'
import { findStarterGguf } from '../support/models.ts'

export const starterGguf = findStarterGguf()

export async function loadStarterTokenizer(): Promise<Tokenizer> {
  const source = await openFileBytes(starterGguf as string)
  try {
    const gguf = unwrap(await readGguf(source))
    const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(gguf.metadata))
    return unwrap(loadTokenizer(tokenizerJson, tokenizerConfig))
  } finally {
    await source.close()
  }
}

/** The printable character that stands for each byte in GPT-2's vocabulary: itself, or 256 and onwards. */
function byteCharacters(): string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++))
}

/** tokenizer.json of a byte-level vocabulary: ids 0-255 are bytes, the special tokens follow. */
export function tinyTokenizerJson(special: readonly string[]): Record<string, unknown> {
  const characters = byteCharacters()
  return {
    version: '1.0',
    added_tokens: special.map((content, at) => ({ id: 256 + at, content, special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(characters.map((character, byte) => [character, byte])),
      merges: [],
    },
  }
}

export function tinyTokenizer(special: readonly string[], config: Record<string, unknown> = {}): Tokenizer {
  return unwrap(loadTokenizer(tinyTokenizerJson(special), config))
}
