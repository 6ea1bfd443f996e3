// Tokenizers against Hugging Face's own: equal ids, tokens and texts. And files that must be refused.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { findShared } from '../support/models.ts'
import { loadStarterTokenizer, starterGguf, tinyTokenizer, tinyTokenizerJson } from './tokenizer-support.ts'

interface StringRow {
  readonly text: string
  readonly ids: number[]
  readonly tokens: string[]
  readonly decoded: string
}
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const own: { rows: StringRow[] } = readJson('tests/golden/tokenizer-strings.json')
const shared = findShared('goldens/tokenizer/strings.json')

describe.skipIf(starterGguf === null)('the starter model', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await loadStarterTokenizer()
  })

  it.each(own.rows)('gives the reference ids of $text', ({ text, ids, tokens, decoded }) => {
    expect(tokenizer.encode(text)).toEqual(ids)
    expect(ids.map((id) => tokenizer.tokenOf(id))).toEqual(tokens)
    expect(tokenizer.decode(ids)).toBe(decoded)
  })

  it.skipIf(shared === null)('equals every golden string', () => {
    const { rows, special_tokens_map: names } = readJson(shared as string)
    expect(rows.length).toBeGreaterThan(70)
    for (const row of rows) {
      expect(tokenizer.encode(row.text)).toEqual(row.ids_plain)
      expect(tokenizer.encode(row.text, { addSpecialTokens: true })).toEqual(row.ids_special)
      expect(row.ids_plain.map((id: number) => tokenizer.tokenOf(id))).toEqual(row.tokens)
      expect(tokenizer.decode(row.ids_plain)).toBe(row.decoded)
      expect(tokenizer.decode(row.ids_plain, { skipSpecialTokens: true })).toBe(row.decoded_skip_special)
    }
    const { bos, eos, pad, unk } = tokenizer
    expect([bos, eos, pad, unk].map((token) => token?.text)).toEqual([
      names.bos_token,
      names.eos_token,
      names.pad_token,
      names.unk_token,
    ])
  })

  it('knows its size and finds tokens by name', () => {
    expect(tokenizer.vocabularySize).toBe(49_152)
    expect(tokenizer.tokenId('<|im_end|>')).toBe(2)
    expect(tokenizer.tokenId('no such token')).toBeNull()
    expect(tokenizer.tokenOf(49_152)).toBeNull()
    expect(tokenizer.specialTokens.map(({ text }) => text)).toContain('<|im_start|>')
  })
})

describe('where the library differs from the original', () => {
  const withPreTokenizer = (preTokenizer: unknown): Tokenizer => {
    const json: Record<string, unknown> = { ...tinyTokenizerJson([]), pre_tokenizer: preTokenizer }
    const model = json.model as { vocab: Record<string, number>; merges: unknown }
    // One merge that only happens where both bytes are in one piece of text.
    model.vocab = { ...model.vocab, ĠÂ: 256, 'ï»': 257, 'ï»¿': 258, 'ï»¿!': 259 }
    model.merges = [
      ['Ġ', 'Â'],
      ['ï', '»'],
      ['ï»', '¿'],
      ['ï»¿', '!'],
    ]
    const loaded = loadTokenizer({ ...json, model }, {})
    if (!loaded.ok) throw new Error(loaded.problem.message)
    return loaded.value
  }
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }

  it('splits off every numeric character, not only 0-9', () => {
    const digits = { type: 'Digits', individual_digits: true }
    const tokenizer = withPreTokenizer({ type: 'Sequence', pretokenizers: [digits, byteLevel] })
    // " ½": the blank and the fraction are two pieces, so the bytes of the blank and of 0xC2 are not merged.
    expect(tokenizer.encode(' ½')).toEqual([0x20, 0xc2, 0xbd])
    expect(withPreTokenizer(byteLevel).encode(' ½')).toEqual([256, 0xbd])
  })

  it('does not take U+FEFF for white space', () => {
    expect(withPreTokenizer(byteLevel).encode('\uFEFF!')).toEqual([259])
  })
})

describe('special tokens', () => {
  it('are added only when asked for', () => {
    const json = {
      ...tinyTokenizerJson(['<s>', '</s>']),
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: { '<s>': { id: '<s>', ids: [256], tokens: ['<s>'] } },
      },
    }
    const loaded = loadTokenizer(json, { bos_token: { content: '<s>' }, eos_token: '</s>', pad_token: null })
    if (!loaded.ok) throw new Error(loaded.problem.message)
    const { encode, decode, bos, eos, pad } = loaded.value
    expect(encode('a')).toEqual([97])
    expect(encode('a', { addSpecialTokens: true })).toEqual([256, 97])
    expect([bos, eos, pad]).toEqual([{ text: '<s>', id: 256 }, { text: '</s>', id: 257 }, null])
    expect(decode([256, 97, 257])).toBe('<s>a</s>')
    expect(decode([256, 97, 257], { skipSpecialTokens: true })).toBe('a')
    expect(decode(Int32Array.of(97, 98))).toBe('ab')
  })

  it('decodes nothing and unknown ids to nothing', () => {
    const { decode } = tinyTokenizer([])
    expect(decode([])).toBe('')
    expect(decode([5_000, 97])).toBe('a')
  })
})

describe('files that are no tokenizer', () => {
  const good = tinyTokenizerJson(['<s>'])
  const model = good.model as Record<string, unknown>
  it.each<[string, unknown, unknown]>([
    ['not an object', 'text', {}],
    ['null', null, {}],
    ['no model', { ...good, model: undefined }, {}],
    ['a model that is a list', { ...good, model: [] }, {}],
    ['no vocabulary', { ...good, model: { ...model, vocab: undefined } }, {}],
    ['an empty vocabulary', { ...good, added_tokens: [], model: { ...model, vocab: {} } }, {}],
    ['an id that is a text', { ...good, model: { ...model, vocab: { a: '1' } } }, {}],
    ['a negative id', { ...good, model: { ...model, vocab: { a: -1 } } }, {}],
    ['an id of four thousand million', { ...good, added_tokens: [{ id: 4e9, content: 'x' }] }, {}],
    ['an added token without text', { ...good, added_tokens: [{ id: 256, content: '' }] }, {}],
    ['added tokens that are an object', { ...good, added_tokens: { length: 1e9 } }, {}],
    ['an unknown kind of model', { ...good, model: { ...model, type: 'Oracle' } }, {}],
    ['an unknown pre-tokenizer', { ...good, pre_tokenizer: { type: 'Oracle' } }, {}],
    ['a broken pattern', { ...good, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }, {}],
    ['an unknown decoder', { ...good, decoder: { type: 'Oracle' } }, {}],
    ['a configuration that is a list', good, []],
    ['no configuration', good, undefined],
  ])('%s', (_, json, config) => {
    const result = loadTokenizer(json, config)
    expect(result.ok ? null : result.problem.code).toBe('tokenizer.invalid')
    expect(result.ok ? '' : result.problem.where).toMatch(/^tokenizer(_config)?\.json/)
  })

  it('takes keys like __proto__ for what they are', () => {
    const vocab = JSON.parse('{"a":0,"__proto__":1,"constructor":2}')
    const loaded = loadTokenizer({ ...good, added_tokens: [], model: { ...model, vocab } }, {})
    expect(loaded.ok && loaded.value.tokenId('constructor')).toBe(2)
    expect(loaded.ok && loaded.value.tokenId('__proto__')).toBe(1)
    expect(loaded.ok && loaded.value.tokenId('toString')).toBeNull()
  })
})
