// The intermediate representation: static single assignment, coarse ops, symbolic dimensions. Values only; no logic.
// Legend of dimension letters used in the op table: B rows, S positions, C hidden width, H query heads, K key/value
// heads, D head width, V vocabulary, L labelled positions of one cross-entropy chunk, I/O input/output width, M
// remembered positions.

export type DType = 'float32' | 'int64'

/** A number, or a symbol ('B', 'S', 'L') that is bound when a graph runs. Equal symbols are equal sizes. */
export type Dim = number | string

export interface Value {
  /** Unique in its graph. */
  readonly id: number
  /** Unique, printable name; the name of graph inputs, parameters and outputs is their public name. */
  readonly name: string
  readonly shape: readonly Dim[]
  readonly dtype: DType
}

/**
 * Every op: operands, results and attributes. Optional operands are null when absent.
 * "..." is any number of leading dimensions (in practice [B,S] or [L]).
 */
export interface OpTable {
  /** table [V,C], ids int64 [B,S] -> y [B,S,C] */
  embedding: { inputs: [table: Value, ids: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** dy [B,S,C], ids int64 [B,S] -> dTable [V,C]: scatter-add of rows */
  embeddingBackward: {
    inputs: [dy: Value, ids: Value]
    outputs: [dTable: Value]
    attributes: { vocabulary: number }
  }
  /** x [...,I], weight [O,I], addend [...,O] or [O] or null -> y = scale * x weight^T + addend  [...,O] */
  linear: {
    inputs: [x: Value, weight: Value, addend: Value | null]
    outputs: [y: Value]
    attributes: { scale: number }
  }
  /** dy [...,O], weight [O,I], addend [...,I] or null -> dx = scale * dy weight + addend  [...,I] */
  linearInputBackward: {
    inputs: [dy: Value, weight: Value, addend: Value | null]
    outputs: [dx: Value]
    attributes: { scale: number }
  }
  /** dy [...,O], x [...,I] -> dWeight [O,I] = scale * sum over leading dims of dy^T x */
  linearWeightBackward: {
    inputs: [dy: Value, x: Value]
    outputs: [dWeight: Value]
    attributes: { scale: number }
  }
  /** x [...,C] -> sum over all leading dims [C] (gradient of a bias) */
  sumLeading: { inputs: [x: Value]; outputs: [sum: Value]; attributes: Record<never, never> }
  /** x [...,C], weight [C] -> y [...,C] = x * invStd * weight, invStd [...,1] = 1/sqrt(mean(x^2)+epsilon) (Zhang & Sennrich 2019) */
  rmsNorm: {
    inputs: [x: Value, weight: Value]
    outputs: [y: Value, invStd: Value]
    attributes: { epsilon: number }
  }
  /** dy, x [...,C], weight [C], invStd [...,1] -> dx [...,C] */
  rmsNormBackward: {
    inputs: [dy: Value, x: Value, weight: Value, invStd: Value]
    outputs: [dx: Value]
    attributes: Record<never, never>
  }
  /** dy, x [...,C], invStd [...,1] -> dWeight [C] = sum of dy * x * invStd */
  rmsNormWeightBackward: {
    inputs: [dy: Value, x: Value, invStd: Value]
    outputs: [dWeight: Value]
    attributes: Record<never, never>
  }
  /**
   * Rotary embedding (Su et al. 2021), Hugging Face's "rotate half" form: x [B,S,H*D], positions int64 [B,S],
   * cos and sin [P,D/2] -> y [B,S,H*D]. `inverse` rotates back (sin negated): the derivative.
   */
  rope: {
    inputs: [x: Value, positions: Value, cos: Value, sin: Value]
    outputs: [y: Value]
    attributes: { heads: number; inverse: boolean }
  }
  /**
   * Scaled dot-product attention with grouped key/value heads: q [B,S,H*D], k and v [B,S,K*D], mask float32 [B,S,S]
   * added to the scores (0 or a large negative number; rows are queries) or null -> out [B,S,H*D], probs [B,H,S,S].
   * With `causal` a query sees keys at its own and earlier indices only, in addition to the mask.
   */
  attention: {
    inputs: [q: Value, k: Value, v: Value, mask: Value | null]
    outputs: [out: Value, probs: Value]
    attributes: { heads: number; kvHeads: number; scale: number; causal: boolean }
  }
  /** dOut [B,S,H*D], q, k, v, probs of the forward op -> dq, dk, dv in the shapes of q, k, v */
  attentionBackward: {
    inputs: [dOut: Value, q: Value, k: Value, v: Value, probs: Value]
    outputs: [dq: Value, dk: Value, dv: Value]
    attributes: { heads: number; kvHeads: number; scale: number }
  }
  /**
   * Attention of new positions, causal among themselves, that also see M remembered ones before them: q [B,S,H*D],
   * k and v [B,S,K*D], pastK and pastV [B,M,K*D], pastMask float32 [B,M] added to the scores of the remembered keys (0
   * or a large negative number) -> out [B,S,H*D]. Writes answers token by token; it has no derivative.
   */
  rememberingAttention: {
    inputs: [q: Value, k: Value, v: Value, pastK: Value, pastV: Value, pastMask: Value]
    outputs: [out: Value]
    attributes: { heads: number; kvHeads: number; scale: number }
  }
  /** gate, up [...,I] -> silu(gate) * up (Shazeer 2020) */
  swiglu: { inputs: [gate: Value, up: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** dy, gate, up [...,I] -> dGate, dUp */
  swigluBackward: {
    inputs: [dy: Value, gate: Value, up: Value]
    outputs: [dGate: Value, dUp: Value]
    attributes: Record<never, never>
  }
  /** a, b of one shape -> a + b */
  add: { inputs: [a: Value, b: Value]; outputs: [sum: Value]; attributes: Record<never, never> }
  /** x [B,S,C], rows int64 [L] (indices into the B*S positions, may repeat) -> y [L,C] */
  gatherRows: { inputs: [x: Value, rows: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** dy [L,C], rows int64 [L], like [B,S,C] (for its shape only) -> dx [B,S,C]: scatter-add into zeros */
  gatherRowsBackward: {
    inputs: [dy: Value, rows: Value, like: Value]
    outputs: [dx: Value]
    attributes: Record<never, never>
  }
  /**
   * logits [L,V], targets int64 [L], weights float32 [L] -> losses [L] = weight * cross-entropy in nats, and
   * dLogits [L,V] = weight * (softmax - onehot), the gradient of the sum of losses.
   */
  softmaxCrossEntropy: {
    inputs: [logits: Value, targets: Value, weights: Value]
    outputs: [losses: Value, dLogits: Value]
    attributes: Record<never, never>
  }
  /** x [L,V], factors [L] -> each row times its factor */
  multiplyRows: { inputs: [x: Value, factors: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** like -> ones of its shape (the seed of reverse mode) */
  ones: { inputs: [like: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /**
   * x unchanged, but not available before every dependency was computed. Order is a data dependency because
   * memory depends on it: checkpointing and per-layer gradients rest on it (docs/engine.md, law 3).
   */
  tie: { inputs: [x: Value, ...dependencies: Value[]]; outputs: [y: Value]; attributes: Record<never, never> }
}

export type OpKind = keyof OpTable

export type OpNode<K extends OpKind = OpKind> = {
  [Kind in K]: {
    readonly kind: Kind
    readonly inputs: Readonly<OpTable[Kind]['inputs']>
    readonly outputs: Readonly<OpTable[Kind]['outputs']>
    readonly attributes: Readonly<OpTable[Kind]['attributes']>
    /** The block it belongs to, e.g. 'layer.3' or 'head': checkpointing and reports work by region. */
    readonly region: string
  }
}[K]

export interface Parameter {
  readonly value: Value
  readonly isTrainable: boolean
}

export interface Graph {
  /** Fed on every run. */
  readonly inputs: readonly Value[]
  /** Weights: frozen ones are bound when the graph is compiled, trainable ones are fed on every run. */
  readonly parameters: readonly Parameter[]
  /** In an order in which every operand is defined before its use. */
  readonly nodes: readonly OpNode[]
  /** What a run returns. A value's `name` is the key of the result. */
  readonly outputs: readonly Value[]
}
