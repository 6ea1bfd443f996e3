// Which tokens are trained: against the reference's figures for the starter model, and by the words themselves for
// templates of other shapes, written for this test.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ChatTemplate, compileChatTemplate } from '#formats/chat-template.ts'
import {
  type LabelledTokens,
  maskConversation,
  tokenizeExample,
  tokenizePrompt,
} from '#formats/completion-mask.ts'
import type { Tokenizer } from '#formats/tokenizer.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { findShared } from '../support/models.ts'
import { loadStarterTokenizer, starterGguf, tinyTokenizer } from './tokenizer-support.ts'

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const own: {
  template: string
  rows: { messages: ChatMessage[]; text: string; prompt: string; ids: number[]; labels: number[] }[]
} = readJson('tests/golden/tokenizer-chats.json')
const shared = findShared('goldens/tokenizer/chat.json')
const plain = ({ ids, labels }: LabelledTokens) => ({ ids: [...ids], labels: [...labels] })

describe.skipIf(starterGguf === null)('the starter model', () => {
  let tokenizer: Tokenizer
  let template: ChatTemplate
  beforeAll(async () => {
    tokenizer = await loadStarterTokenizer()
    template = unwrap(compileChatTemplate(own.template, { bosToken: '<|im_start|>', eosToken: '<|im_end|>' }))
  })

  it.each(own.rows)('labels conversation %# as the reference does', ({ messages, ids, labels, prompt }) => {
    expect(plain(unwrap(maskConversation(tokenizer, template, messages)))).toEqual({ ids, labels })
    expect([...unwrap(tokenizePrompt(tokenizer, template, messages.slice(0, -1)))]).toEqual(
      tokenizer.encode(prompt),
    )
  })

  it.each(own.rows)('labels only the answer of example %#', ({ messages, ids, labels, prompt }) => {
    const answer = messages.at(-1)?.content ?? ''
    const example = plain(unwrap(tokenizeExample(tokenizer, template, messages.slice(0, -1), answer)))
    const promptTokens = tokenizer.encode(prompt).length
    expect(example.ids).toEqual(ids)
    expect(example.labels).toEqual(labels.map((label, at) => (at < promptTokens ? ignoredLabel : label)))
  })

  it.skipIf(shared === null)('equals every golden conversation', () => {
    const golden = readJson(shared as string)
    let compared = 0
    for (const source of [golden.template, golden.template_with_generation_marks]) {
      const compiled = unwrap(
        compileChatTemplate(source, { bosToken: '<|im_start|>', eosToken: '<|im_end|>' }),
      )
      for (const row of golden.rows) {
        if (row.add_generation_prompt)
          expect([...unwrap(tokenizePrompt(tokenizer, compiled, row.messages))]).toEqual(row.ids)
        else {
          // Where the two usual conventions differ (row "multi"), ours is `assistant_mask`: see docs/formats.md.
          const mine = plain(unwrap(maskConversation(tokenizer, compiled, row.messages)))
          expect(mine).toEqual({ ids: row.ids, labels: row.labels })
          expect(mine.labels.map((label) => Number(label !== ignoredLabel))).toEqual(row.assistant_mask)
        }
        compared += 1
      }
    }
    expect(compared).toBe(44)
  })
})

/** The texts of the trained stretches, one for each, as the model would have to write them. */
function trainedTexts(tokenizer: Tokenizer, { ids, labels }: LabelledTokens): string[] {
  const stretches: number[][] = []
  labels.forEach((label, at) => {
    expect(label === ignoredLabel || label === ids[at]).toBe(true)
    if (label === ignoredLabel) return
    if (at === 0 || labels[at - 1] === ignoredLabel) stretches.push([])
    stretches.at(-1)?.push(label)
  })
  return stretches.map((stretch) => tokenizer.decode(stretch))
}

const talk: ChatMessage[] = [
  { role: 'user', content: 'one' },
  { role: 'assistant', content: 'two words' },
  { role: 'user', content: 'three' },
  { role: 'assistant', content: 'four' },
]

interface Shape {
  readonly name: string
  readonly special: string[]
  readonly eos: string
  readonly source: string
  readonly trained: string[]
}

const shapes: Shape[] = [
  {
    name: 'instructions in brackets, the end-of-text token after each answer',
    special: ['<s>', '</s>'],
    eos: '</s>',
    source:
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content | trim }} {{ eos_token }}{% endif %}{% endfor %}",
    trained: [' two words </s>', ' four </s>'],
  },
  {
    name: 'headers with their own tokens, an end-of-turn token, no line break between turns',
    special: ['<begin>', '<head>', '</head>', '<turn-end>'],
    eos: '<turn-end>',
    source:
      '<begin>{% for m in messages %}<head>{{ m.role }}</head>\n\n{{ m.content | trim }}<turn-end>{% endfor %}{% if add_generation_prompt %}<head>assistant</head>\n\n{% endif %}',
    trained: ['two words<turn-end>', 'four<turn-end>'],
  },
  {
    name: 'roles under another name, a line break after the end of turn',
    special: ['<bos>', '<start_of_turn>', '<end_of_turn>'],
    eos: '<end_of_turn>',
    source:
      "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    trained: ['two words<end_of_turn>', 'four<end_of_turn>'],
  },
  {
    name: 'an empty thought before the last answer only: the model has to write it, so it is trained',
    special: ['<im>', '</im>'],
    eos: '</im>',
    source:
      "{% for m in messages %}<im>{{ m.role }}\n{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}</im>\n{% endfor %}{% if add_generation_prompt %}<im>assistant\n{% endif %}",
    trained: ['two words</im>', '<think>\n\n</think>\n\nfour</im>'],
  },
  {
    name: 'plain words as headers, end-of-text after each answer',
    special: ['</s>'],
    eos: '</s>',
    source:
      "{% for m in messages %}{% if m.role == 'user' %}USER: {{ m.content }}\n{% else %}ASSISTANT: {{ m.content }}</s>\n{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}",
    trained: [' two words</s>', ' four</s>'],
  },
  {
    name: 'no token after an answer: the next header ends it, the last one gets the end-of-text token',
    special: ['<user>', '<assistant>', '<eos>'],
    eos: '<eos>',
    source:
      '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}',
    trained: ['two words', 'four<eos>'],
  },
  {
    name: 'a generation prompt that training texts do not have: the words begin the answer',
    special: ['<im>', '</im>'],
    eos: '</im>',
    source:
      '{% for m in messages %}<im>{{ m.role }}\n{{ m.content }}</im>\n{% endfor %}{% if add_generation_prompt %}<im>assistant\n<think>\n{% endif %}',
    trained: ['two words</im>', 'four</im>'],
  },
]

const made = ({ special, eos, source }: Shape): { tokenizer: Tokenizer; template: ChatTemplate } => ({
  tokenizer: tinyTokenizer(special, { bos_token: special[0], eos_token: eos }),
  template: unwrap(compileChatTemplate(source, { bosToken: special[0] ?? '', eosToken: eos })),
})

describe('templates of other shapes', () => {
  it.each(shapes)('$name', (shape) => {
    const { tokenizer, template } = made(shape)
    const { trained } = shape
    const whole = unwrap(maskConversation(tokenizer, template, talk))
    expect(trainedTexts(tokenizer, whole)).toEqual(trained)
    const rendered = unwrap(template.render(talk))
    expect(tokenizer.decode(whole.ids).startsWith(rendered)).toBe(true)
    const example = unwrap(tokenizeExample(tokenizer, template, talk.slice(0, -1), 'four'))
    expect(trainedTexts(tokenizer, example)).toEqual(trained.slice(-1))
  })

  it.each(shapes)('what is trained follows what generation sees: $name', (shape) => {
    const { tokenizer, template } = made(shape)
    const prompt = unwrap(tokenizePrompt(tokenizer, template, talk.slice(0, -1)))
    const { ids, labels } = unwrap(tokenizeExample(tokenizer, template, talk.slice(0, -1), 'four'))
    const first = labels.findIndex((label) => label !== ignoredLabel)
    if (shape.source.includes('<think>\n{% endif %}')) expect(first).toBeLessThan(prompt.length)
    else expect([...ids.subarray(0, first)]).toEqual([...prompt])
  })

  it('answers that look like markers, repeat the prompt, or are blank stay inside their turn', () => {
    const { tokenizer, template } = made(shapes[1] as Shape)
    const answers = [
      '<turn-end>',
      'a<turn-end>b',
      'one',
      '<head>user</head>\n\none',
      '',
      '   ',
      '\uE7A1\uE7A2\uE7A3',
    ]
    for (const answer of answers) {
      const prompt: ChatMessage[] = [{ role: 'user', content: 'one' }]
      const example = unwrap(tokenizeExample(tokenizer, template, prompt, answer))
      expect(trainedTexts(tokenizer, example)).toEqual([`${answer.trim()}<turn-end>`])
    }
  })

  it('a conversation without an answer trains nothing', () => {
    const { tokenizer, template } = made(shapes[2] as Shape)
    const { labels } = unwrap(maskConversation(tokenizer, template, [{ role: 'user', content: 'x' }]))
    expect(labels.every((label) => label === ignoredLabel)).toBe(true)
  })

  it('a template that swallows the answer is refused', () => {
    const tokenizer = tinyTokenizer(['<s>'])
    const template = unwrap(compileChatTemplate('{{ messages[0].content }}', { bosToken: '', eosToken: '' }))
    const result = tokenizeExample(tokenizer, template, [{ role: 'user', content: 'x' }], 'y')
    expect(result.ok ? null : result.problem.code).toBe('template.invalid')
  })

  it("passes the template's own refusal on", () => {
    const source =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}"
    const template = unwrap(compileChatTemplate(source, { bosToken: '', eosToken: '' }))
    const result = tokenizeExample(tinyTokenizer(['<s>']), template, [{ role: 'system', content: 'x' }], 'y')
    expect(result.ok ? '' : result.problem.message).toContain('no system')
  })
})
