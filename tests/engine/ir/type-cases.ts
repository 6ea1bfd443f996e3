// Every op's operands, its results' shapes, and what its shape rule refuses. 'f B,S,8' is a float32 value [B,S,8], 'i'
// int64. Keyed by op: none can be left out.
import type { OpKind } from '../../../src/engine/index.ts'

export type Operands = readonly (string | null)[]
export type Attributes = Readonly<Record<string, unknown>>

export interface TypeCase {
  readonly inputs: Operands
  readonly attributes?: Attributes
  readonly gives: readonly string[]
  /** Operand lists that must be refused. */
  readonly refuses: readonly Operands[]
  /** Changes of attributes that must be refused. */
  readonly refusesWith?: readonly Attributes[]
}

const plain = {
  heads: 4,
  kvHeads: 2,
  scale: 1,
  causal: false,
  window: null,
  softCap: null,
  sharesStart: false,
}
const backwardOf = (forward: Operands): Operands => ['f B,S,16', 'f B,S,16', 'f B,4,S', ...forward]
const [q, kv] = ['f B,S,16', 'f B,T,8']
const none = [null, null, null, null]

export const typeCases: Readonly<Record<OpKind, TypeCase>> = {
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
      ['f L,3', 'f 3,8', 'f 3'],
      ['f L,3', 'f 3,8', 'f L,3'],
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
    attributes: { epsilon: 1e-6, offset: 1 },
    gives: ['f B,S,8', 'f B,S,1'],
    refuses: [['f B,S,8', 'f 7']],
  },
  rmsNormBackward: {
    inputs: ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S,1'],
    attributes: { offset: 1 },
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
  layerNorm: {
    inputs: ['f B,S,8', 'f 8', 'f 8'],
    attributes: { epsilon: 1e-12 },
    gives: ['f B,S,8', 'f B,S,1', 'f B,S,1'],
    refuses: [
      ['f B,S,8', 'f 7', null],
      ['f B,S,8', 'f 8', 'f 7'],
    ],
  },
  layerNormBackward: {
    inputs: ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S,1', 'f B,S,1'],
    gives: ['f B,S,8'],
    refuses: [
      ['f B,S,8', 'f B,T,8', 'f 8', 'f B,T,1', 'f B,T,1'],
      ['f B,S,8', 'f B,S,8', 'f 7', 'f B,S,1', 'f B,S,1'],
      ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S', 'f B,S'],
      ['f B,S,8', 'f B,S,8', 'f 8', 'f B,S,1', 'f B,S'],
    ],
  },
  layerNormWeightBackward: {
    inputs: ['f B,S,8', 'f B,S,8', 'f B,S,1', 'f B,S,1'],
    gives: ['f 8'],
    refuses: [
      ['f B,S,8', 'f B,S,8', 'f B,S,8', 'f B,S,8'],
      ['f B,S,8', 'f B,S,8', 'f B,S,1', 'f B,S'],
    ],
  },
  rope: {
    inputs: ['f B,S,32', 'i B,S', 'f P,2', 'f P,2'],
    attributes: { heads: 4, inverse: false },
    gives: ['f B,S,32'],
    refuses: [
      ['f B,S,32', 'i B,S', 'f P,5', 'f P,5'],
      ['f B,S,32', 'i B,S', 'f P,R', 'f P,R'],
      ['f B,S,32', 'i B,S', 'f P,4', 'f P,2'],
      ['f B,S,32', 'i B,S', 'f 2', 'f 2'],
      ['f B,S,32', 'i B,T', 'f P,2', 'f P,2'],
      ['f B,S,34', 'i B,S', 'f P,2', 'f P,2'],
    ],
  },
  attention: {
    inputs: [q, kv, kv, 'i B,S', 'i B,T', 'f B,S,T', 'f S,T,4'],
    attributes: plain,
    gives: ['f B,S,16', 'f B,4,S'],
    refuses: [
      [q, 'f B,T,16', 'f B,T,16', ...none],
      [q, kv, 'f B,T,16', ...none],
      [q, 'f A,T,8', 'f A,T,8', ...none],
      [q, kv, 'f B,S,8', ...none],
      [q, kv, kv, 'i B,S', null, null, null],
      [q, kv, kv, null, 'i B,T', null, null],
      [q, kv, kv, 'i B,T', 'i B,T', null, null],
      [q, kv, kv, 'i B,S', 'i B,S', null, null],
      [q, kv, kv, 'f B,S', 'f B,T', null, null],
      [q, kv, kv, null, null, 'f B,S,S', null],
      [q, kv, kv, null, null, 'f S,T', null],
      [q, kv, kv, null, null, null, 'f B,S,T'],
      [q, kv, kv, null, null, null, 'f S,T,2'],
    ],
    refusesWith: [{ causal: true }, { window: 0 }, { window: 1.5 }, { softCap: 0 }, { kvHeads: 3 }],
  },
  attentionBackward: {
    inputs: backwardOf([q, kv, kv, 'i B,S', 'i B,T', 'f B,S,T', 'f S,T,4']),
    attributes: plain,
    gives: ['f B,S,16', 'f B,T,8', 'f B,T,8'],
    refuses: [
      ['f B,T,16', q, 'f B,4,S', q, kv, kv, ...none],
      [q, 'f B,T,16', 'f B,4,S', q, kv, kv, ...none],
      [q, q, 'f B,4,S,S', q, kv, kv, ...none],
      [q, q, 'f B,2,S', q, kv, kv, ...none],
      backwardOf([q, kv, kv, null, null, 'f B,S,S', null]),
    ],
    refusesWith: [{ causal: true }],
  },
  attentionBiasBackward: {
    inputs: backwardOf([q, kv, kv, 'i B,S', 'i B,T', 'f B,S,T', 'f S,T,4']),
    attributes: plain,
    gives: ['f S,T,4'],
    refuses: [backwardOf([q, kv, kv, ...none]), [q, q, 'f B,2,S', q, kv, kv, null, null, null, 'f S,T,4']],
  },
  rememberingAttention: {
    inputs: ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,M,8', 'f B,M'],
    attributes: plain,
    gives: ['f B,S,16'],
    refuses: [
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,16', 'f B,M,16', 'f B,M'],
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,S,8', 'f B,M'],
      ['f B,S,16', 'f B,S,8', 'f B,S,8', 'f B,M,8', 'f B,M,8', 'f B,S'],
      ['f B,S,16', 'f B,T,8', 'f B,T,8', 'f B,M,8', 'f B,M,8', 'f B,M'],
    ],
    refusesWith: [{ softCap: -1 }],
  },
  activation: { inputs: ['f B,3'], attributes: { kind: 'gelu' }, gives: ['f B,3'], refuses: [['i B,3']] },
  activationBackward: {
    inputs: ['f B,3', 'f B,3'],
    attributes: { kind: 'gelu' },
    gives: ['f B,3'],
    refuses: [['f B,3', 'f B,4']],
  },
  gatedActivation: {
    inputs: ['f B,3', 'f B,3'],
    attributes: { kind: 'silu' },
    gives: ['f B,3'],
    refuses: [['f B,3', 'f B,4']],
  },
  gatedActivationBackward: {
    inputs: ['f B,3', 'f B,3', 'f B,3'],
    attributes: { kind: 'silu' },
    gives: ['f B,3', 'f B,3'],
    refuses: [
      ['f B,3', 'f B,3', 'f B,4'],
      ['f B,3', 'f B,4', 'f B,3'],
    ],
  },
  splitLast: {
    inputs: ['f B,S,12'],
    attributes: { parts: 4 },
    gives: ['f B,S,4,3'],
    refuses: [['f B,S,13'], ['f B,S,C'], ['i B,S,12']],
    refusesWith: [{ parts: 5 }, { parts: 0 }],
  },
  mergeLast: { inputs: ['f B,S,4,3'], gives: ['f B,S,12'], refuses: [['f B,S,3'], ['f B,S,4,C'], ['f 3']] },
  slices: {
    inputs: ['f B,S,6'],
    attributes: { widths: [3, 1, 2] },
    gives: ['f B,S,3', 'f B,S,1', 'f B,S,2'],
    refuses: [['f B,S,7'], ['f B,S,C'], ['i B,S,6']],
    refusesWith: [{ widths: [] }, { widths: [3, 3, 0] }, { widths: [5.5, 0.5] }, { widths: [3, 1] }],
  },
  concatLast: {
    inputs: ['f B,S,3', 'f B,S,1', 'f B,S,2'],
    gives: ['f B,S,6'],
    refuses: [
      ['f B,S,3', 'f B,T,1'],
      ['f B,S,3', 'f B,S,C'],
      ['f B,S,3', 'i B,S,3'],
    ],
  },
  scale: { inputs: ['f B,3'], attributes: { factor: 2 }, gives: ['f B,3'], refuses: [['i B,3']] },
  softCap: {
    inputs: ['f B,3'],
    attributes: { cap: 30 },
    gives: ['f B,3'],
    refuses: [['i B,3']],
    refusesWith: [{ cap: 0 }],
  },
  softCapBackward: {
    inputs: ['f B,3', 'f B,3'],
    attributes: { cap: 30 },
    gives: ['f B,3'],
    refuses: [['f B,3', 'f B,4']],
    refusesWith: [{ cap: -30 }],
  },
  multiply: { inputs: ['f B,3', 'f B,3'], gives: ['f B,3'], refuses: [['f B,3', 'f 3']] },
  multiplyColumns: { inputs: ['f B,S,3', 'f 3'], gives: ['f B,S,3'], refuses: [['f B,S,3', 'f B,S,3']] },
  multiplyColumnsBackward: {
    inputs: ['f B,S,3', 'f B,S,3'],
    gives: ['f 3'],
    refuses: [['f B,S,3', 'f B,T,3']],
  },
  adaptedRowNorms: {
    inputs: ['f 3,8', 'f 2,8', 'f 3,2'],
    attributes: { scale: 2, isInputFirst: false },
    gives: ['f 3'],
    refuses: [
      ['f 3,8', 'f 2,7', 'f 3,2'],
      ['f 3,8', 'f 2,8', 'f 3,4'],
      ['f 3,8', 'f 2,8', 'f 4,2'],
      ['f 3', 'f 2,8', 'f 3,2'],
    ],
  },
  divideByConstants: {
    inputs: ['f 3', 'f 3'],
    gives: ['f 3'],
    refuses: [
      ['f 3', 'f 4'],
      ['f B,3', 'f B,3'],
    ],
  },
  weightedSum: {
    inputs: ['f B,S,8', 'f B,S'],
    gives: ['f B,8'],
    refuses: [
      ['f B,S,8', 'f S'],
      ['f B,8', 'f B'],
    ],
  },
  weightedSumBackward: {
    inputs: ['f B,8', 'f B,S'],
    gives: ['f B,S,8'],
    refuses: [
      ['f A,8', 'f B,S'],
      ['f B,S,8', 'f B,S'],
    ],
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
    attributes: { smoothing: 0.1 },
    gives: ['f L', 'f L,11'],
    refuses: [
      ['f L,11', 'f L', 'f L'],
      ['f L,11', 'i M', 'f L'],
    ],
    refusesWith: [{ smoothing: 1 }, { smoothing: -0.1 }],
  },
  multiplyRows: { inputs: ['f L,3', 'f L'], gives: ['f L,3'], refuses: [['f L,3', 'f 3']] },
  ones: { inputs: ['f B,3'], gives: ['f B,3'], refuses: [['i B,3']] },
  tie: { inputs: ['i L', 'f 3', 'f B,S'], gives: ['i L'], refuses: [] },
}
