// Tokenizers out of GGUF metadata and back: the starter model's ids equal Hugging Face's, llama.cpp's names for splitting
// text are known both ways, and whatever would need a guess is refused.
import { readFile } from 'node:fs/promises'
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { beforeAll, describe, expect, it } from 'vitest'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { type GgufValue, readGguf } from '#formats/gguf.ts'
import { preTokenizerJson, preTokenizerNamed, preTokenizerOfJson } from '#formats/gguf-pre-tokenizers.ts'
import { type TokenizerFiles, tokenizerOfGguf } from '#formats/gguf-tokenizer.ts'
import { ggufVocabularyEntries } from '#formats/gguf-vocabulary-writer.ts'
import { attempt, unwrap } from '#shared/result.ts'
import { byteCharacters } from '../support/byte-tokenizer.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] }
  decode(ids: number[], options: object): string
}
const encoderOf = ({ tokenizerJson, tokenizerConfig }: TokenizerFiles): Encoder =>
  new (LibraryTokenizer as unknown as new (json: object, config: object) => Encoder)(
    tokenizerJson,
    tokenizerConfig,
  )
const idsOf = (encoder: Encoder, text: string, special = false): number[] =>
  encoder.encode(text, { add_special_tokens: special }).ids

const text = (value: string): GgufValue => ({ type: 'string', value })
const texts = (items: readonly string[]): GgufValue => ({ type: 'array', itemType: 'string', items })
const whole = (value: number): GgufValue => ({ type: 'u32', value })

const starter = findStarterGguf()
const strings = findShared('goldens/tokenizer/strings.json')

describe.skipIf(starter === null)('the starter model', () => {
  let metadata: ReadonlyMap<string, GgufValue>
  let files: TokenizerFiles
  let encoder: Encoder

  beforeAll(async () => {
    const source = await openFileBytes(starter!)
    metadata = unwrap(await readGguf(source)).metadata
    await source.close()
    files = unwrap(tokenizerOfGguf(metadata))
    encoder = encoderOf(files)
  })

  it.skipIf(strings === null)('gives Hugging Face’s ids for every reference text', async () => {
    const { rows } = JSON.parse(await readFile(strings!, 'utf8')) as {
      rows: { text: string; ids_plain: number[]; ids_special: number[] }[]
    }
    expect(rows.length).toBeGreaterThan(50)
    for (const row of rows) {
      expect({ text: row.text, ids: idsOf(encoder, row.text) }).toEqual({
        text: row.text,
        ids: row.ids_plain,
      })
      expect(idsOf(encoder, row.text, true)).toEqual(row.ids_special)
    }
  })

  it('has the named tokens, the template and 17 special tokens', () => {
    expect(files.tokenizerConfig).toMatchObject({
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      unk_token: '<|endoftext|>',
      pad_token: '<|im_end|>',
      add_bos_token: false,
      clean_up_tokenization_spaces: false,
      model_max_length: 8192,
      chat_template: expect.stringContaining('<|im_start|>assistant'),
    })
    const { added_tokens: added } = files.tokenizerJson as { added_tokens: { special: boolean }[] }
    expect(added.length).toBe(17)
    expect(added.every(({ special }) => special)).toBe(true)
  })

  it('goes back into GGUF with the same tokens, kinds, merges and names', () => {
    const entries = new Map(ggufVocabularyEntries(files.tokenizerJson, files.tokenizerConfig, 49_152))
    for (const key of ['tokens', 'token_type', 'merges']) {
      const before = metadata.get(`tokenizer.ggml.${key}`) as { items: ArrayLike<unknown> }
      const after = entries.get(`tokenizer.ggml.${key}`) as { items: ArrayLike<unknown> }
      expect(Array.from(after.items)).toEqual(Array.from(before.items))
    }
    for (const key of [
      'model',
      'pre',
      'bos_token_id',
      'eos_token_id',
      'unknown_token_id',
      'padding_token_id',
      'add_bos_token',
    ])
      expect(entries.get(`tokenizer.ggml.${key}`)).toEqual(metadata.get(`tokenizer.ggml.${key}`))
    expect(entries.get('tokenizer.chat_template')).toEqual(metadata.get('tokenizer.chat_template'))
  })
})

/** A byte-level vocabulary: 256 bytes, a few merges, a control token and one of the user's own. */
function byteLevelMetadata(changes: Record<string, GgufValue | undefined> = {}): Map<string, GgufValue> {
  const tokens = [...byteCharacters(), 'th', 'the', 'Ġthe', '<s>', '[tool]', '__proto__']
  const types = new Int32Array(tokens.length).fill(1)
  types[259] = 3
  types[260] = 4
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text('llama')],
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text('gpt-2')],
    ['tokenizer.ggml.tokens', texts(tokens)],
    ['tokenizer.ggml.token_type', { type: 'array', itemType: 'i32', items: types }],
    ['tokenizer.ggml.merges', texts(['t h', 'th e', 'Ġ the'])],
    ['tokenizer.ggml.bos_token_id', whole(259)],
    ['tokenizer.ggml.eos_token_id', whole(259)],
  ])
  for (const [key, value] of Object.entries(changes))
    if (value === undefined) metadata.delete(key)
    else metadata.set(key, value)
  return metadata
}

describe('byte-level vocabularies', () => {
  it('merge in order of rank, find control tokens and the user’s own, and add what the file says', () => {
    const plain = encoderOf(unwrap(tokenizerOfGguf(byteLevelMetadata())))
    const byte = (character: string): number => character.charCodeAt(0)
    const tokens = byteCharacters()
    expect(idsOf(plain, 'the the<s>[tool]t')).toEqual([257, 258, 259, 260, tokens.indexOf('t')])
    expect(byte('t')).toBe(tokens.indexOf('t'))
    expect(idsOf(plain, 'the', true)).toEqual([257])
    const adding = byteLevelMetadata({
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
      'tokenizer.ggml.add_eos_token': { type: 'bool', value: true },
    })
    const files = unwrap(tokenizerOfGguf(adding))
    expect(idsOf(encoderOf(files), 'the', true)).toEqual([259, 257, 259])
    expect(idsOf(encoderOf(files), 'the', false)).toEqual([257])
    const back = new Map(ggufVocabularyEntries(files.tokenizerJson, files.tokenizerConfig, 262))
    expect(back.get('tokenizer.ggml.add_bos_token')).toEqual({ type: 'bool', value: true })
    expect(back.get('tokenizer.ggml.add_eos_token')).toEqual({ type: 'bool', value: true })
  })

  it('of Llama 3 add a beginning token where the file does not say, and take whole words as they are', () => {
    const tokens = [...byteCharacters(), 'cat', '<s>']
    const metadata = byteLevelMetadata({
      'tokenizer.ggml.pre': text('llama-bpe'),
      'tokenizer.ggml.tokens': texts(tokens),
      'tokenizer.ggml.token_type': undefined,
      'tokenizer.ggml.merges': texts([]),
      'tokenizer.ggml.bos_token_id': whole(257),
      'tokenizer.ggml.eos_token_id': undefined,
    })
    const encoder = encoderOf(unwrap(tokenizerOfGguf(metadata)))
    expect(idsOf(encoder, 'cat', true)).toEqual([257, 256])
  })

  it.each([
    ['no tokenizer', { 'tokenizer.ggml.model': undefined }, 'gguf.invalid'],
    ['another kind', { 'tokenizer.ggml.model': text('bert') }, 'gguf.unsupported'],
    ['unknown splitting', { 'tokenizer.ggml.pre': text('brand-new') }, 'gguf.unsupported'],
    ['no tokens', { 'tokenizer.ggml.tokens': undefined }, 'gguf.invalid'],
    ['numbers for tokens', { 'tokenizer.ggml.tokens': whole(3) }, 'gguf.invalid'],
    ['a token twice', { 'tokenizer.ggml.tokens': texts(['a', 'b', 'a']) }, 'gguf.invalid'],
    [
      'too few kinds',
      { 'tokenizer.ggml.token_type': { type: 'array', itemType: 'i32', items: [1] } },
      'gguf.invalid',
    ],
    ['no merges', { 'tokenizer.ggml.merges': undefined }, 'gguf.invalid'],
    ['a merge of unknown tokens', { 'tokenizer.ggml.merges': texts(['t q']) }, 'gguf.invalid'],
    ['a merge without a space', { 'tokenizer.ggml.merges': texts(['th']) }, 'gguf.invalid'],
    [
      'a beginning token beyond the vocabulary',
      { 'tokenizer.ggml.bos_token_id': whole(9999) },
      'gguf.invalid',
    ],
  ] as [string, Record<string, GgufValue | undefined>, string][])('refuse %s', (_name, changes, code) => {
    const result = tokenizerOfGguf(byteLevelMetadata(changes))
    expect(result.ok ? null : result.problem).toMatchObject({
      code,
      where: expect.stringContaining('tokenizer.ggml'),
    })
  })
})

describe('names for splitting text', () => {
  it.each(['smollm', 'gpt-2', 'llama-bpe', 'smaug-bpe', 'qwen2', 'tekken', 'gpt-4o', 'default'])(
    '%s is written to tokenizer.json and found again',
    (name) => {
      const preTokenizer = preTokenizerNamed(name)!
      const found = preTokenizerOfJson(preTokenizerJson(preTokenizer), preTokenizer.ignoreMerges)
      expect(found?.names[0]).toBe(name)
    },
  )

  it.each([
    [
      'smollm',
      false,
      {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Digits', individual_digits: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
        ],
      },
    ],
    ['gpt-2', false, { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true }],
    ['a prefix space', false, { type: 'ByteLevel', add_prefix_space: true }],
    ['another step', false, { type: 'Sequence', pretokenizers: [{ type: 'Punctuation' }] }],
    ['nothing', false, null],
  ])('publishers’ spelling: %s', (name, ignoreMerges, json) => {
    const found = preTokenizerOfJson(json, ignoreMerges)
    expect(found?.names[0] ?? null).toBe(['smollm', 'gpt-2'].includes(name) ? name : null)
  })

  // The pieces that each pattern must give, worked out by hand from the patterns' published definitions.
  it.each([
    ['gpt-2', "I'll pay 1234 now", ['I', "'ll", 'Ġpay', 'Ġ1234', 'Ġnow']],
    ['smollm', 'pay 12 now', ['pay', 'Ġ', '1', '2', 'Ġnow']],
    ['llama-bpe', "I'LL pay 12345", ['I', "'LL", 'Ġpay', 'Ġ', '123', '45']],
    ['qwen2', 'pay 12', ['pay', 'Ġ', '1', '2']],
    ['tekken', 'camelCase 12', ['camel', 'Case', 'Ġ', '1', '2']],
    ['gpt-4o', "camelCase's 1234", ['camel', "Case's", 'Ġ', '123', '4']],
    ['default', 'pay <1234>', ['pay', 'Ġ', '<', '123', '4', '>']],
  ])('%s splits %s', (name, input, pieces) => {
    const tokens = [...new Set([...byteCharacters(), ...pieces])]
    const metadata = byteLevelMetadata({
      'tokenizer.ggml.pre': text(name),
      'tokenizer.ggml.tokens': texts(tokens),
      'tokenizer.ggml.token_type': undefined,
      'tokenizer.ggml.merges': texts([]),
      'tokenizer.ggml.bos_token_id': undefined,
      'tokenizer.ggml.eos_token_id': undefined,
    })
    const { tokenizerJson, tokenizerConfig } = unwrap(tokenizerOfGguf(metadata))
    // With merges ignored every piece that is in the vocabulary comes out whole.
    const json = structuredClone(tokenizerJson) as { model: { ignore_merges: boolean } }
    json.model.ignore_merges = true
    const ids = idsOf(encoderOf({ tokenizerJson: json, tokenizerConfig }), input)
    expect(ids.map((id) => tokens[id])).toEqual(pieces)
  })
})

describe('writing a vocabulary', () => {
  const files = unwrap(tokenizerOfGguf(byteLevelMetadata()))
  const entriesOf = (json: unknown, size = 262) =>
    attempt(() => new Map(ggufVocabularyEntries(json, files.tokenizerConfig, size)))

  it('fills rows without a token with placeholders of the unused kind', () => {
    const entries = unwrap(entriesOf(files.tokenizerJson, 264))
    const { items } = entries.get('tokenizer.ggml.tokens') as unknown as { items: string[] }
    const types = entries.get('tokenizer.ggml.token_type') as unknown as { items: ArrayLike<number> }
    expect(items.length).toBe(264)
    expect(new Set(items).size).toBe(264)
    expect(types.items[263]).toBe(5)
  })

  it.each([
    ['nothing', null],
    ['Unigram', { model: { type: 'Unigram', vocab: [] } }],
    ['a splitting without a name', { ...files.tokenizerJson, pre_tokenizer: { type: 'Punctuation' } }],
    ['a normalizer', { ...files.tokenizerJson, normalizer: { type: 'NFC' } }],
  ])('refuses %s', (_name, json) => {
    expect(entriesOf(json)).toMatchObject({ ok: false, problem: { code: 'tokenizer.invalid' } })
  })

  it('bug: a merge without a space lost its last letter instead of being refused', () => {
    const json = structuredClone(files.tokenizerJson) as { model: { merges: string[] } }
    json.model.merges = ['th']
    expect(entriesOf(json)).toMatchObject({
      ok: false,
      problem: { code: 'tokenizer.invalid', where: 'tokenizer.json: model.merges[0]' },
    })
  })

  it('takes the chat template called default where the configuration has several', () => {
    const config = { chat_template: [{ name: 'default', template: 'x' }] }
    const entries = new Map(ggufVocabularyEntries(files.tokenizerJson, config, 262))
    expect(entries.get('tokenizer.chat_template')).toEqual({ type: 'string', value: 'x' })
  })

  it.each([
    ['a Prepend step', { normalizer: { type: 'Prepend', prepend: '▁' } }, true],
    [
      'a Prepend step among others',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace' }, { type: 'Prepend' }] } },
      true,
    ],
    ['no such step', { normalizer: { type: 'Replace' } }, false],
    ['Metaspace', { pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'always' } }, true],
    // Bug: the word "prepend" in `prepend_scheme` was enough.
    ['Metaspace that never does', { pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'never' } }, false],
    ['an old Metaspace', { pre_tokenizer: { type: 'Metaspace', add_prefix_space: true } }, true],
    ['an old Metaspace without', { pre_tokenizer: { type: 'Metaspace', add_prefix_space: false } }, false],
  ])('a SentencePiece vocabulary says whether a space is put in front: %s', (_name, parts, isAdded) => {
    const model = { type: 'BPE', byte_fallback: true, vocab: { a: 0 }, merges: [] }
    const entries = unwrap(entriesOf({ model, ...parts }, 1))
    expect(entries.get('tokenizer.ggml.add_space_prefix')).toEqual({ type: 'bool', value: isAdded })
  })

  it('refuses a token beyond the model’s rows', () => {
    expect(entriesOf(files.tokenizerJson, 261)).toMatchObject({
      ok: false,
      problem: { code: 'tokenizer.invalid' },
    })
  })
})
