// Tokenizers for tests: the starter model's own, read from its GGUF, and a tiny one that knows single bytes only.
import { openFileBytes } from '#core/system/file-bytes.ts'
import { readGguf } from '#formats/gguf.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { unwrap } from '#shared/result.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'
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

/** tokenizer.json of a byte-level vocabulary: ids 0-255 are bytes, the special tokens follow. */
export const tinyTokenizerJson = (special: readonly string[]): Record<string, unknown> =>
  byteTokenizer(special).tokenizerJson

export function tinyTokenizer(special: readonly string[], config: Record<string, unknown> = {}): Tokenizer {
  return unwrap(loadTokenizer(tinyTokenizerJson(special), config))
}
