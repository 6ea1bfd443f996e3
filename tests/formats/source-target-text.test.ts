// Texts of a model that reads a source and writes a target.
import { describe, expect, it } from 'vitest'
import { tokenizePair, tokenizeSource } from '#formats/source-target-text.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'

const end = 256
/** Whether it ends texts by itself, and whether it says what ends them. */
function open(endsTexts: boolean, namesEnd: boolean): Tokenizer {
  const { tokenizerJson } = byteTokenizer(['</s>'])
  const frame = {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [end], tokens: ['</s>'] } },
  }
  const json = endsTexts ? { ...tokenizerJson, post_processor: frame } : tokenizerJson
  return unwrap(loadTokenizer(json, namesEnd ? { eos_token: '</s>' } : {}))
}

const prompt: ChatMessage[] = [
  { role: 'system', content: 'Translate:' },
  { role: 'user', content: 'a bike' },
]
const bytes = (text: string): number[] => [...Buffer.from(text)]

describe('a source and a target', () => {
  it.each([true, false])('each end once, whether the tokenizer ends texts or not (%s)', (endsTexts) => {
    const tokenizer = open(endsTexts, true)
    const source = [...bytes('Translate: a bike'), end]
    expect([...unwrap(tokenizeSource(tokenizer, prompt))]).toEqual(source)
    const { ids, labels } = unwrap(tokenizePair(tokenizer, prompt, 'Rad'))
    expect([...ids]).toEqual([...source, ...bytes('Rad'), end])
    expect([...labels]).toEqual([...source.map(() => ignoredLabel), ...bytes('Rad'), end])
  })

  it('without an instruction is the text alone', () => {
    const alone = tokenizeSource(open(true, true), prompt.slice(1))
    expect([...unwrap(alone)]).toEqual([...bytes('a bike'), end])
  })

  it('of an empty answer teaches nothing', () => {
    const { labels } = unwrap(tokenizePair(open(true, true), prompt, ' \n'))
    expect([...labels].every((label) => label === ignoredLabel)).toBe(true)
  })

  it('need a tokenizer that says what ends a text', () => {
    expect(tokenizeSource(open(false, false), prompt)).toMatchObject({
      ok: false,
      problem: { code: 'tokenizer.invalid', where: expect.stringContaining('eos_token') as string },
    })
  })
})
