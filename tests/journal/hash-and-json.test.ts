// The chain's format, fixed by figures that another program computed (Python: hashlib and json), and the JSON that is kept.
import { expect, test } from 'vitest'
import { chainStart, hashEvent, hashTexts } from '#journal/hash-chain.ts'
import { jsonText } from '#journal/json-text.ts'
import { attempt } from '#shared/result.ts'
import { codeOf } from './support/sample.ts'

test('a hash covers the previous one and every field, in the documented form', () => {
  const first = hashEvent(chainStart, {
    runId: 'run-1',
    seq: 1,
    attempt: 1,
    atMs: 1_750_000_000_001,
    kind: 'step',
    bodyText: '{"step":1,"lossNats":2.5}',
  })
  expect(first.toString('hex')).toBe('d719d0a33dc46f9d46aa9fcd4f9ec749b20e53408a52f84c0d28593edc4dc1c2')
  const second = {
    runId: 'run-1',
    seq: 2,
    attempt: 1,
    atMs: 1_750_000_000_002,
    kind: 'notice',
    bodyText: '{"text":"Größe – 数"}',
  }
  expect(hashEvent(first, second).toString('hex')).toBe(
    '240c45beb631e60fe031f3cadd1f1842395537e769ac376ac49d7a2e197ad9e8',
  )
  expect(hashEvent(chainStart, second).toString('hex')).not.toBe(
    '240c45beb631e60fe031f3cadd1f1842395537e769ac376ac49d7a2e197ad9e8',
  )
})

test('a list of texts and the same text cut elsewhere differ', () => {
  expect(hashTexts(['ab', 'c'])).not.toBe(hashTexts(['a', 'bc']))
  expect(hashTexts(['1'])).not.toBe(hashTexts([1]))
})

test.each([
  ['text', 'half \ud83d'],
  ['numbers', [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -1e-7, 2 ** 53]],
  ['nothing', null],
  ['nested', { a: [{ b: {} }, [], ''] }],
  ['a key like a built-in', JSON.parse('{"__proto__": 1, "constructor": 2}')],
])('%s comes back as it was', (_, value) => {
  expect(JSON.parse(jsonText(value, 'x'))).toEqual(value)
})

test('minus zero becomes zero, and a property that is undefined is left out', () => {
  expect(jsonText({ a: -0, b: undefined }, 'x')).toBe('{"a":0}')
})

const cyclic: unknown[] = []
cyclic.push(cyclic)
test.each([
  ['NaN', { loss: Number.NaN }, 'x.loss'],
  ['Infinity', [1, Number.POSITIVE_INFINITY], 'x[1]'],
  ['undefined', undefined, 'x'],
  ['undefined in a list', { a: [undefined] }, 'x.a[0]'],
  ['a hole in a list', new Array(1), 'x[0]'],
  ['a big integer', { a: 1n }, 'x.a'],
  ['a function', { a: () => 1 }, 'x.a'],
  ['a symbol', Symbol('s'), 'x'],
  ['a date', { at: new Date(0) }, 'x.at'],
  ['a map', new Map(), 'x'],
  ['bytes', new Uint8Array(1), 'x'],
  ['a value that rewrites itself', { a: { toJSON: () => 1 } }, 'x.a'],
])('%s is refused, with its place', (_, value, where) => {
  const result = attempt(() => jsonText(value, 'x'))
  expect(codeOf(result)).toBe('journal.invalid')
  expect(!result.ok && result.problem.where).toBe(where)
})

test('a value that contains itself is refused', () => {
  expect(codeOf(attempt(() => jsonText(cyclic, 'x')))).toBe('journal.invalid')
})
