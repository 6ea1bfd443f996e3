// Every op's shape rule: what it gives, and that it refuses operands that do not fit. Keyed by op: none can be left out.
import { describe, expect, test } from 'vitest'
import type { Dim, DType, OpKind, Value } from '../../../src/engine/index.ts'
import { inferNodeTypes } from '../../../src/engine/ir/type-rules.ts'
import type { OpNode } from '../../../src/engine/ir/types.ts'

interface Row {
  readonly inputs: readonly (string | null)[]
  readonly attributes?: Readonly<Record<string, number | boolean>>
  readonly gives: readonly string[]
  /** Operand lists that must be refused. */
  readonly refuses: readonly (readonly (string | null)[])[]
}

const heads = { heads: 4, kvHeads: 2, scale: 1 }

const table: Readonly<Record<OpKind, Row>> = {
  embedding: {
    inputs: ['f V,8', 'i B,S'],
    gives: ['f B,S,8'],
    refuses: [
      ['f V', 'i B,S'],
      ['f V,8', 'f B,S'],
    ],
  },
  embeddingBackward: {
    inputs: ['f B,S,8', 'i B,S'],
    attributes: { vocabulary: 11 },
    gives: ['f 11,8'],
    refuses: [['f B,T,8', 'i B,S']],
  },
  linear: {
    inputs: ['f B,S,8', 'f 3,8', 'f B,S,3'],
    attributes: { scale: 1 },
    gives: ['f B,S,3'],
    refuses: [
      ['f B,S,7', 'f 3,8', null],
      ['f B,S,8', 'f 3,8', 'f B,S,8'],
      ['f B,S,8', 'f 3,8', 'f 8'],
      ['i B,S,8', 'f 3,8', null],
    ],
  },
  linearInputBackward: {
    inputs: ['f L,3', 'f 3,8', 'f L,8'],
    attributes: { scale: 1 },
    gives: ['f L,8'],
    refuses: [
      ['f L,8', 'f 3,8', null],
      ['f L,3', 'f 3,8', 'f 8'],
    ],
  },
  linearWeightBackward: {
    inputs: ['f B,S,3', 'f B,S,8'],
    attributes: { scale: 1 },
    gives: ['f 3,8'],
    refuses: [['f B,S,3', 'f B,T,8']],
  },
  sumLeading: { inputs: ['f B,S,3'], gives: ['f 3'], refuses: [['i B,S,3']] },
  rmsNorm: {
    inputs: ['f B,S,8', 'f 8'],
    attributes: { epsilon: 1e-6 },
    gives: ['f B,S,8', 'f B,S,1'],
    refuses: [['f B,S,8', 'f 7']],
  },
  rmsNormBackward: {
    inputs: ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S,1'],
    gives: ['f B,S,8'],
    refuses: [
      ['f B,S,7', 'f B,S,8', 'f 8', 'f B,S,1'],
      ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S'],
    ],
  },
  rmsNormWeightBackward: {
    inputs: ['f B,S,8', 'f B,S,8', 'f B,S,1'],
    gives: ['f 8'],
    refuses: [['f B,S,8', 'f B,S,8', 'f B,S,8']],
  },
  rope: {
    inputs: ['f B,S,16', 'i B,S', 'f P,2', 'f P,2'],
    attributes: { heads: 4, inverse: false },
    gives: ['f B,S,16'],
    refuses: [
      ['f B,S,16', 'i B,S', 'f P,4', 'f P,4'],
      ['f B,S,16', 'i B,T', 'f P,2', 'f P,2'],
      ['f B,S,18', 'i B,S', 'f P,2', 'f P,2'],
    ],
  },
  attention: {
    inputs: ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,S,S'],
    attributes: { ...heads, causal: true },
    gives: ['f B,S,16', 'f B,4,S,S'],
    refuses: [
      ['f B,S,16', 'f B,S,16', 'f B,S,16', null],
      ['f B,S,16', 'f B,S,8', 'f B,S,16', null],
      ['f B,S,16', 'f B,T,8', 'f B,T,8', null],
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f S,S'],
    ],
  },
  attentionBackward: {
    inputs: ['f B,S,16', 'f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,4,S,S'],
    attributes: heads,
    gives: ['f B,S,16', 'f B,S,8', 'f B,S,8'],
    refuses: [['f B,S,16', 'f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,2,S,S']],
  },
  rememberingAttention: {
    inputs: ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,M,8', 'f B,M'],
    attributes: heads,
    gives: ['f B,S,16'],
    refuses: [
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,16', 'f B,M,16', 'f B,M'],
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,S,8', 'f B,M'],
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,M,8', 'f B,S'],
    ],
  },
  swiglu: { inputs: ['f B,3', 'f B,3'], gives: ['f B,3'], refuses: [['f B,3', 'f B,4']] },
  swigluBackward: {
    inputs: ['f B,3', 'f B,3', 'f B,3'],
    gives: ['f B,3', 'f B,3'],
    refuses: [['f B,3', 'f B,3', 'f B,4']],
  },
  add: { inputs: ['f B,3', 'f B,3'], gives: ['f B,3'], refuses: [['f B,3', 'f 3']] },
  gatherRows: { inputs: ['f B,S,8', 'i L'], gives: ['f L,8'], refuses: [['f B,8', 'i L']] },
  gatherRowsBackward: {
    inputs: ['f L,8', 'i L', 'f B,S,8'],
    gives: ['f B,S,8'],
    refuses: [['f M,8', 'i L', 'f B,S,8']],
  },
  softmaxCrossEntropy: {
    inputs: ['f L,11', 'i L', 'f L'],
    gives: ['f L', 'f L,11'],
    refuses: [
      ['f L,11', 'f L', 'f L'],
      ['f L,11', 'i M', 'f L'],
    ],
  },
  multiplyRows: { inputs: ['f L,3', 'f L'], gives: ['f L,3'], refuses: [['f L,3', 'f 3']] },
  ones: { inputs: ['f B,3'], gives: ['f B,3'], refuses: [['i B,3']] },
  tie: { inputs: ['i L', 'f 3', 'f B,S'], gives: ['i L'], refuses: [] },
}

const toDim = (text: string): Dim => (/^\d+$/.test(text) ? Number(text) : text)

/** 'f B,S,8' -> a float32 value of shape [B,S,8]; 'i' is int64. */
function parseValue(text: string, id: number): Value {
  const [dtype, shape] = text.split(' ') as [string, string]
  const of: DType = dtype === 'i' ? 'int64' : 'float32'
  return { id, name: `v${id}`, shape: shape.split(',').map(toDim), dtype: of }
}

function infer(kind: OpKind, inputs: readonly (string | null)[]): readonly string[] {
  const node = {
    kind,
    inputs: inputs.map((text, id) => (text === null ? null : parseValue(text, id))),
    attributes: table[kind].attributes ?? {},
  } as unknown as OpNode
  return inferNodeTypes(node).map(({ dtype, shape }) => `${dtype === 'int64' ? 'i' : 'f'} ${shape.join(',')}`)
}

describe.each(Object.entries(table) as [OpKind, Row][])('%s', (kind, row) => {
  test('gives the shapes of its definition', () => {
    expect(infer(kind, row.inputs)).toEqual(row.gives)
  })

  test('refuses operands that do not fit', () => {
    for (const inputs of row.refuses)
      expect(() => infer(kind, inputs), String(inputs)).toThrow(`${kind}: expected`)
  })
})

test('linear takes no addend, a vector, or one of its own shape', () => {
  for (const addend of [null, 'f 3', 'f B,S,3'])
    expect(infer('linear', ['f B,S,8', 'f 3,8', addend])).toEqual(['f B,S,3'])
})
