// Every op's shape rule: what it gives, and that it refuses operands and attributes that do not fit.
import { describe, expect, test } from 'vitest'
import type { Dim, DType, OpKind, Value } from '../../../src/engine/index.ts'
import { inferNodeTypes } from '../../../src/engine/ir/type-rules.ts'
import type { OpNode } from '../../../src/engine/ir/types.ts'
import { type Attributes, type Operands, type TypeCase, typeCases } from './type-cases.ts'

const toDim = (text: string): Dim => (/^\d+$/.test(text) ? Number(text) : text)

function parseValue(text: string, id: number): Value {
  const [dtype, shape] = text.split(' ') as [string, string]
  const of: DType = dtype === 'i' ? 'int64' : 'float32'
  return { id, name: `v${id}`, shape: shape.split(',').map(toDim), dtype: of }
}

function infer(kind: OpKind, inputs: Operands, changes: Attributes = {}): readonly string[] {
  const node = {
    kind,
    inputs: inputs.map((text, id) => (text === null ? null : parseValue(text, id))),
    attributes: { ...typeCases[kind].attributes, ...changes },
  } as unknown as OpNode
  return inferNodeTypes(node).map(({ dtype, shape }) => `${dtype === 'int64' ? 'i' : 'f'} ${shape.join(',')}`)
}

describe.each(Object.entries(typeCases) as [OpKind, TypeCase][])('%s', (kind, row) => {
  test('gives the shapes of its definition', () => {
    expect(infer(kind, row.inputs)).toEqual(row.gives)
  })

  test('refuses operands that do not fit', () => {
    for (const inputs of row.refuses)
      expect(() => infer(kind, inputs), String(inputs)).toThrow(`${kind}: expected`)
  })

  test.each(row.refusesWith ?? [])('refuses %o', (changes) => {
    expect(() => infer(kind, row.inputs, changes)).toThrow(`${kind}: expected`)
  })
})

test.each(['linear', 'linearInputBackward'] as const)(
  '%s takes no addend, a vector, or one of its own shape',
  (kind) => {
    const weight = { linear: 'f 3,8', linearInputBackward: 'f 8,3' }[kind]
    for (const addend of [null, 'f 3', 'f B,S,3'])
      expect(infer(kind, ['f B,S,8', weight, addend])).toEqual(['f B,S,3'])
  },
)

test('attention: every operand that bends or hides scores may be absent; causal where keys are the queries', () => {
  const itself = ['f B,S,16', 'f B,S,8', 'f B,S,8', null, null, null, null]
  expect(infer('attention', itself, { causal: true, window: 3, softCap: 20 })).toEqual([
    'f B,S,16',
    'f B,4,S',
  ])
})

test('rope turns whole heads too', () => {
  expect(infer('rope', ['f B,S,32', 'i B,S', 'f P,4', 'f P,4'])).toEqual(['f B,S,32'])
})
