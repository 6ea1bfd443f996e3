// Tokenizers against llama.cpp itself: the same metadata, opened there and rebuilt here, must give the same ids. Splitting
// by every canonical name over the starter's vocabulary, and a SentencePiece vocabulary made here.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Llama } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeNewFile } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { type GgufValue, readGguf } from '#formats/gguf.ts'
import { tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { ggufVocabularyEntries } from '#formats/gguf-vocabulary-writer.ts'
import { ggufChunks } from '#formats/gguf-writer.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { unwrap } from '#shared/result.ts'
import { openLlama } from '../support/llama-cpp.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

const starter = findStarterGguf()
const strings = findShared('goldens/tokenizer/strings.json')

type Metadata = ReadonlyMap<string, GgufValue>

let folder = ''
let llama: Llama
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-vocabulary-'))
  llama = await openLlama('disabled')
})
afterAll(async () => {
  await llama?.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** llama.cpp's ids of each text, control tokens in the text recognised. */
async function idsByLlamaCpp(metadata: Metadata, texts: readonly string[]): Promise<number[][]> {
  const path = join(folder, `${crypto.randomUUID()}.gguf`)
  await writeNewFile(path, ggufChunks({ metadata, tensors: [] }))
  const model = await llama.loadModel({ modelPath: path, vocabOnly: true })
  const ids = texts.map((text) => [...model.tokenize(text, true)])
  await model.dispose()
  await rm(path)
  return ids
}

function rebuilt(metadata: Metadata): Tokenizer {
  const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(metadata))
  return unwrap(loadTokenizer(tokenizerJson, tokenizerConfig))
}

/** The vocabulary cut to its first tokens; they stand in order of their merges, so the cut is a vocabulary again. */
function firstTokens(metadata: Metadata, count: number): Metadata {
  const itemsOf = (key: string) => (metadata.get(key) as unknown as { items: string[] }).items
  const tokens = itemsOf('tokenizer.ggml.tokens').slice(0, count)
  const known = new Set(tokens)
  const merges = itemsOf('tokenizer.ggml.merges').filter((merge) => known.has(merge.replace(' ', '')))
  const types = Int32Array.from(itemsOf('tokenizer.ggml.token_type'), Number).slice(0, count)
  return new Map(metadata)
    .set('tokenizer.ggml.tokens', { type: 'array', itemType: 'string', items: tokens })
    .set('tokenizer.ggml.merges', { type: 'array', itemType: 'string', items: merges })
    .set('tokenizer.ggml.token_type', { type: 'array', itemType: 'i32', items: types })
    .set('llama.vocab_size', { type: 'u32', value: count })
}

describe.skipIf(starter === null || strings === null)('byte-level vocabularies', () => {
  let metadata: Metadata
  let texts: string[]
  beforeAll(async () => {
    const source = await openFileBytes(starter!)
    metadata = firstTokens(unwrap(await readGguf(source)).metadata, 6000)
    await source.close()
    const { rows } = JSON.parse(await readFile(strings!, 'utf8')) as { rows: { text: string }[] }
    texts = rows.map(({ text }) => text)
  })

  it.each(['smollm', 'gpt-2', 'llama-bpe', 'smaug-bpe', 'qwen2', 'tekken', 'gpt-4o', 'default'])(
    'split as %s',
    async (name) => {
      const renamed = new Map(metadata).set('tokenizer.ggml.pre', { type: 'string', value: name })
      const expected = await idsByLlamaCpp(renamed, texts)
      const tokenizer = rebuilt(renamed)
      for (const [i, text] of texts.entries())
        expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids: expected[i] })
    },
  )
})

/** A SentencePiece BPE vocabulary learned from a text: unknown, begin, end, 256 bytes, characters, then merges. */
function sentencePieceMetadata(corpus: string, merges: number): Map<string, GgufValue> {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  )
  const words = corpus.split(' ').map((word) => [...`\u2581${word}`])
  const characters = [...new Set(words.flat())]
  const learned: string[] = []
  while (learned.length < merges) {
    const counts = new Map<string, number>()
    for (const word of words)
      for (let i = 1; i < word.length; i += 1) {
        const pair = word[i - 1]! + word[i]!
        counts.set(pair, (counts.get(pair) ?? 0) + 1)
      }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0] ?? []
    if (best === undefined) break
    learned.push(best)
    for (const word of words)
      for (let i = 1; i < word.length; i += 1)
        if (word[i - 1]! + word[i]! === best) word.splice(i - 1, 2, best)
  }
  const tokens = [...new Set(['<unk>', '<s>', '</s>', ...bytes, ...learned, ...characters])]
  const kind = (token: string): number =>
    token === '<unk>' ? 2 : /^<\/?s>$/.test(token) ? 3 : /^<0x..>$/.test(token) ? 6 : 1
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'default' }],
    ['tokenizer.ggml.tokens', { type: 'array', itemType: 'string', items: tokens }],
    [
      'tokenizer.ggml.scores',
      {
        type: 'array',
        itemType: 'f32',
        items: Float32Array.from(tokens, (token, id) => (kind(token) === 1 ? -id : 0)),
      },
    ],
    ['tokenizer.ggml.token_type', { type: 'array', itemType: 'i32', items: Int32Array.from(tokens, kind) }],
    ['tokenizer.ggml.bos_token_id', { type: 'u32', value: 1 }],
    ['tokenizer.ggml.eos_token_id', { type: 'u32', value: 2 }],
    ['tokenizer.ggml.unknown_token_id', { type: 'u32', value: 0 }],
  ])
}

describe('a SentencePiece vocabulary', () => {
  const corpus =
    'the ferry to the island leaves the harbour at seven and the other one leaves at noon when the weather is better than this there is nothing to see on the water'
  const metadata = sentencePieceMetadata(corpus, 90)
  const texts = [
    corpus,
    'the',
    'thethe there  then   the',
    ' leading and trailing ',
    'Unknown Letters ÄÖ and 😀, digits 123\n\tnew line',
    'harbour<s>water</s> the',
    'nothingness better seventh otherwise',
  ]

  it('gives llama.cpp’s ids, byte fallback and control tokens included', async () => {
    const expected = await idsByLlamaCpp(metadata, texts)
    const tokenizer = rebuilt(metadata)
    for (const [i, text] of texts.entries())
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids: expected[i] })
    expect(expected[0]!.length).toBeLessThan(corpus.length / 2)
    expect(tokenizer.decode(tokenizer.encode(corpus))).toBe(corpus)
    expect(tokenizer.encode('the', { addSpecialTokens: true })[0]).toBe(1)
  })

  it('gives the same ids again after a way through tokenizer.json', async () => {
    const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(metadata))
    const { items } = metadata.get('tokenizer.ggml.tokens') as unknown as { items: string[] }
    const entries = new Map<string, GgufValue>([
      ['general.architecture', { type: 'string', value: 'llama' }],
      ...ggufVocabularyEntries(tokenizerJson, tokenizerConfig, items.length),
    ])
    expect(await idsByLlamaCpp(entries, texts)).toEqual(await idsByLlamaCpp(metadata, texts))
  })

  it('is refused without scores or with a byte missing', () => {
    const without = new Map(metadata)
    without.delete('tokenizer.ggml.scores')
    expect(tokenizerOfGguf(without)).toMatchObject({ ok: false, problem: { code: 'gguf.invalid' } })
    const { items } = metadata.get('tokenizer.ggml.tokens') as unknown as { items: string[] }
    const changed = new Map(metadata).set('tokenizer.ggml.tokens', {
      type: 'array',
      itemType: 'string',
      items: items.map((token) => (token === '<0x0A>' ? 'ten' : token)),
    })
    expect(tokenizerOfGguf(changed)).toMatchObject({
      ok: false,
      problem: { code: 'gguf.invalid', message: expect.stringContaining('<0x0A>') },
    })
  })
})
