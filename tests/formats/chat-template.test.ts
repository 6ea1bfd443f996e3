// Chat templates: the reference's text, and strangers' templates that must end in time with one clear refusal.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chatTemplateSource, compileChatTemplate } from '#formats/chat-template.ts'
import type { Result } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { findShared } from '../support/models.ts'
import { seeded } from '../support/seeded.ts'

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const own: {
  template: string
  rows: { messages: ChatMessage[]; text: string; prompt: string }[]
} = readJson('tests/golden/tokenizer-chats.json')
const shared = findShared('goldens/tokenizer/chat.json')
const tokens = { bosToken: '<s>', eosToken: '</s>' }
const hello: ChatMessage[] = [{ role: 'user', content: 'hello' }]

const render = (source: string, messages = hello, addGenerationPrompt = false): Result<string> => {
  const compiled = compileChatTemplate(source, tokens)
  return compiled.ok ? compiled.value.render(messages, { addGenerationPrompt }) : compiled
}
const codeOf = (result: Result<unknown>): string => (result.ok ? 'accepted' : result.problem.code)

describe('the reference', () => {
  it.each(own.rows)('renders conversation %#', ({ messages, text, prompt }) => {
    expect(render(own.template, messages)).toEqual({ ok: true, value: text })
    expect(render(own.template, messages.slice(0, -1), true)).toEqual({ ok: true, value: prompt })
  })

  it.skipIf(shared === null)('equals every golden conversation, with generation marks too', () => {
    const golden = readJson(shared as string)
    expect(golden.rows.length).toBe(22)
    for (const source of [golden.template, golden.template_with_generation_marks])
      for (const { messages, add_generation_prompt: prompt, text } of golden.rows)
        expect(render(source, messages, prompt)).toEqual({ ok: true, value: text })
  })
})

describe('what a template is given', () => {
  it.each([
    ['{{ bos_token }}|{{ eos_token }}', '<s>|</s>'],
    ['{{ tools is none }} {{ documents is none }}', 'true true'],
    ['{% if add_generation_prompt %}yes{% else %}no{% endif %}', 'no'],
    // The date never changes, or the same recipe would give another text tomorrow.
    ['{{ strftime_now("%d %b %Y") }}', '26 Jul 2024'],
    ['{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}', '135'],
    ['{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}', '321'],
    ["{{ 'a-b-c'.replace('-', '+') }}{{ 'a-b'|replace('-', '') }}", 'a+b+cab'],
    ['{{ messages|tojson }}', '[{"role": "user", "content": "hello"}]'],
    ["{{ ['a', 'b']|join(', ') }}", 'a, b'],
    ["{{ 'x\\ny'|indent(2) }}", 'x\n  y'],
    [
      '{% filter indent(2) %}x\n{{ eos_token }}{% endfilter %}{% filter upper %}y{% endfilter %}',
      'x\n  </s>Y',
    ],
    ["{{ {'a': [1, 2]}|tojson(indent=2) }}", '{\n  "a": [\n    1,\n    2\n  ]\n}'],
    ['{% for m in messages %}\n  {{ m.content }}\n{% endfor %}', '  hello\n'],
  ])('%s', (source, text) => {
    expect(render(source)).toEqual({ ok: true, value: text })
  })

  it('is nothing of the host: no constructor, no prototype, no global', () => {
    const attempts = [
      "{{ messages.constructor.constructor('return process')() }}",
      "{{ ''.constructor.constructor('return globalThis')() }}",
      "{{ range.constructor('return 1')() }}",
      "{{ raise_exception.constructor('return 1')() }}",
      '{{ messages.__proto__.polluted() }}',
      '{{ process.exit(1) }}',
      '{{ globalThis.process.env() }}',
      "{{ require('fs').readFileSync('/etc/passwd') }}",
      "{{ namespace.constructor('return this')() }}",
      "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
      "{{ self.__init__.__globals__ }}{{ ''.__class__.__mro__[1].__subclasses__() }}",
      '{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}',
    ]
    for (const source of attempts)
      expect([source, codeOf(render(source))]).toEqual([source, 'template.invalid'])
    for (const source of ['{{ process }}', '{{ globalThis }}', '{{ messages.constructor }}', '{{ this }}'])
      expect(render(source)).toEqual({ ok: true, value: '' })
  })

  it('does not run templates inside messages', () => {
    const content = '{{ 7 * 7 }}{% raise %}'
    expect(render('{{ messages[0].content }}', [{ role: 'user', content }])).toEqual({
      ok: true,
      value: content,
    })
  })
})

describe('templates that work without end', () => {
  const grow = (times: number) =>
    `{% set ns = namespace(s='ab') %}{% for i in range(${times}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`
  const share = (start: string) =>
    `{% set ns = namespace(a=${start}) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}`
  it.each<[string, string]>([
    ['nested loops', '{% for a in range(3000) %}{% for b in range(3000) %}{% endfor %}{% endfor %}'],
    ['a long range', '{% for a in range(5000000) %}{% endfor %}'],
    ['a range backwards', '{% for a in range(0, -5000000, -1) %}{% endfor %}'],
    ['many loops', '{% for a in range(10000) %}{% endfor %}'.repeat(100)],
    ['unknown names', `{% for a in range(9999) %}${'{{ nothing }}'.repeat(20)}{% endfor %}`],
    ['a text that doubles', `${grow(60)}{{ ns.s|length }}`],
    ['a list that shares itself, as JSON', `${share("['x']")}{{ ns.a|tojson }}`],
    ['a list that shares itself, shown', `${share("['x']")}{{ ns.a }}`],
    ['a list that shares itself, joined', `${share("['x']")}{{ ns.a|join }}`],
    ['a list that shares itself, compared', `${share("['x']")}{% if 'x' == ns.a %}{% endif %}`],
    ['a list that shares itself, concatenated', `${share("['x']")}{{ 'x' ~ ns.a }}`],
    ['a list that contains itself', '{% set ns = namespace() %}{% set ns.a = [ns, ns] %}{{ ns.a|tojson }}'],
    ['replace that multiplies', `${grow(18)}{{ ns.s.replace('a', ns.s)|length }}`],
    ['replace as a filter', `${grow(18)}{{ ns.s|replace('a', ns.s)|length }}`],
    ['replace by another name', `${grow(18)}{{ ns.s['rep' ~ 'lace']('a', ns.s)|length }}`],
    ['join that multiplies', `${grow(18)}{{ range(9999)|join(ns.s)|length }}`],
    ['indent by far', "{{ 'a\nb\nc'|indent(200000000) }}"],
    // Bug: the operands of a filter block were not checked beforehand.
    ['a filter block that indents by far', '{% filter indent(600000000) %}a\nb{% endfilter %}'],
    [
      'a filter block that replaces',
      `${grow(18)}{% filter replace('a', ns.s) %}${'a'.repeat(2000)}{% endfilter %}`,
    ],
    ['JSON indented by far', '{{ [[1], [2]]|tojson(indent=200000000) }}'],
    ['JSON with long separators', `${grow(18)}{{ range(9999)|tojson(separators=(ns.s, ns.s)) }}`],
    [
      'capital letters again and again',
      `${grow(18)}{% for i in range(9999) %}{% if ns.s|upper %}{% endif %}{% endfor %}`,
    ],
    [
      'splitting again and again',
      `${grow(18)}{% for i in range(9999) %}{% set x = ns.s.split('a') %}{% endfor %}`,
    ],
    [
      'slices again and again',
      '{% set m = range(10000) %}{% for i in range(9999) %}{% set x = m[1:] %}{% endfor %}',
    ],
    [
      'sorting again and again',
      '{% set m = range(10000) %}{% for i in range(9999) %}{% set x = m|sort %}{% endfor %}',
    ],
    ['a chain of ten thousand sums', `{{ 1${'+1'.repeat(10_000)} }}`],
  ])('%s', (_, source) => {
    expect(codeOf(render(source))).toBe('template.too-slow')
  })

  it.each<[string, string]>([
    ['blanks', ' '.repeat(250_000)],
    ['parentheses', `{{ ${'('.repeat(100_000)}`],
    ['unclosed ifs', '{% if x %}'.repeat(20_000)],
    ['a method taken as a value', "{% set f = 'a'.replace %}{{ f('a', 'b') }}"],
    ['replace in a call block', "{% call 'a'.replace('a', 'b') %}{% endcall %}"],
    ['unpacked arguments of a checked filter', "{{ 'a'|indent(*[200000000]) }}"],
    ['a refusal that is a list', '{{ raise_exception([[1], [2]]) }}'],
    ['a date format that is a list', '{{ strftime_now([1]) }}'],
    ['an unknown tag', '{% include "x" %}'],
    ['an unfinished tag', '{% for'],
    ['an unknown filter', "{{ 'x'|shell }}"],
    ['a range of texts', "{{ range('9') }}"],
    ['a step of zero', '{{ range(0, 9, 0) }}'],
  ])('refuses %s', (_, source) => {
    expect(codeOf(render(source))).toBe('template.invalid')
  })

  it('refuses a source over 256 KiB', () => {
    expect(codeOf(render('xy'.repeat(131_073)))).toBe('limit.exceeded')
    expect(codeOf(render('é'.repeat(131_073)))).toBe('limit.exceeded')
  })

  it('refuses a conversation that becomes longer than 1 MiB, and says that the texts are too long', () => {
    const long: ChatMessage[] = [{ role: 'user', content: 'x'.repeat((1 << 20) + 1) }]
    expect(codeOf(render('{{ messages[0].content }}', long))).toBe('limit.exceeded')
    expect(render(own.template, [{ role: 'user', content: 'x'.repeat(900_000) }]).ok).toBe(true)
  })

  it('renders long conversations of an ordinary template', () => {
    const messages = Array.from(
      { length: 1000 },
      (_, at): ChatMessage => ({
        role: at % 2 === 0 ? 'user' : 'assistant',
        content: `message ${at}`,
      }),
    )
    const result = render(own.template, messages)
    expect(result.ok && result.value.split('<|im_end|>').length - 1).toBe(1001)
    // Bug: each `continue` left the depth one loop's body higher, so that a long conversation was "too slow".
    const skipping =
      "{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}{{ 'a' }}{% endfor %}"
    const long = Array.from({ length: 6 }, () => messages).flat()
    expect(render(skipping, long)).toEqual({ ok: true, value: 'a'.repeat(3000) })
  })
})

describe('mutants of real templates', () => {
  const sources = [
    own.template,
    "{{ bos_token }}{% set ns = namespace(open=false, text='') %}{% for m in messages %}{% if m.role == 'user' and not ns.open %}[INST] {{ m.content | trim }} [/INST]{% set ns.open = true %}{% elif m.content is string %}{{ m['content'].split('</think>')[-1].lstrip('\\n') ~ eos_token }}{% set ns.open = false %}{% else %}{{ raise_exception('roles') }}{% endif %}{% endfor %}{% macro show(x, n=2) %}{{ x|tojson(indent=n) }}{% endmacro %}{{ show(messages[1:]) }}",
  ]
  const pieces = [
    '{%',
    '%}',
    '{{',
    '}}',
    '(',
    ')',
    "'",
    '|',
    '.',
    '[',
    ']',
    ' ~ ',
    'for ',
    ' in ',
    'range(',
    '99999',
    'messages',
  ]

  it('end in one typed answer each, whatever they are', () => {
    const chance = seeded(2024)
    const codes = new Set<string>()
    for (let count = 0; count < 1500; count += 1) {
      let source = sources[count % sources.length] ?? ''
      for (let change = chance.below(4); change >= 0; change -= 1) {
        const at = chance.below(source.length)
        const until = at + chance.pick([0, 0, 0, 1, 2, 5])
        source = source.slice(0, at) + chance.pick(pieces) + source.slice(until)
      }
      codes.add(codeOf(render(source, own.rows[2]?.messages, chance.below(2) === 0)))
    }
    const expected = ['accepted', 'template.invalid', 'template.too-slow', 'limit.exceeded']
    expect([...codes].filter((code) => !expected.includes(code))).toEqual([])
    expect(codes.has('accepted') && codes.has('template.invalid')).toBe(true)
  })
})

describe('refusals', () => {
  it("repeats the template's own words", () => {
    const result = render("{{ raise_exception('System role not supported') }}")
    expect(result.ok ? '' : result.problem.message).toContain('System role not supported')
  })

  it('finds the template in a configuration', () => {
    expect(chatTemplateSource({ chat_template: 'one' })).toBe('one')
    const list = [
      { name: 'tool_use', template: 'two' },
      { name: 'default', template: 'three' },
    ]
    expect(chatTemplateSource({ chat_template: list })).toBe('three')
    for (const nothing of [null, 'text', {}, { chat_template: 7 }, { chat_template: [null] }])
      expect(chatTemplateSource(nothing)).toBeNull()
  })
})
