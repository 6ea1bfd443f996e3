// The intermediate representation: static single assignment, coarse ops, symbolic dimensions. Values only; no logic.
// Legend of dimension letters used in the op table: B rows, S positions, C hidden width, H query heads, K key/value
// heads, D head width, V vocabulary, L labelled positions of one cross-entropy chunk, I/O input/output width, M
// remembered positions, T positions of the other side where keys do not come from where queries do.

export type DType = 'float32' | 'int64'

/**
 * silu x*sigmoid(x) (Elfwing et al. 2017); gelu x*Phi(x) by erf, gelu-tanh its approximation (Hendrycks & Gimpel 2016);
 * relu max(x, 0); tanh.
 */
export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu' | 'tanh'

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
  /**
   * dy [...,O], weight [O,I], addend [...,I] or [I] or null -> dx = scale * dy weight + addend  [...,I]. Also the forward
   * op of a layer whose weight is kept the other way round ([inputs, outputs], GPT-2's Conv1D).
   */
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
  /**
   * x [...,C], weight [C] -> y [...,C] = x * invStd * (offset + weight), invStd [...,1] = 1/sqrt(mean(x^2)+epsilon)
   * (Zhang & Sennrich 2019). `offset` is 0, or 1 for Gemma, which stores weights around 0.
   */
  rmsNorm: {
    inputs: [x: Value, weight: Value]
    outputs: [y: Value, invStd: Value]
    attributes: { epsilon: number; offset: 0 | 1 }
  }
  /** dy, x [...,C], weight [C], invStd [...,1] -> dx [...,C] */
  rmsNormBackward: {
    inputs: [dy: Value, x: Value, weight: Value, invStd: Value]
    outputs: [dx: Value]
    attributes: { offset: 0 | 1 }
  }
  /** dy, x [...,C], invStd [...,1] -> dWeight [C] = sum of dy * x * invStd */
  rmsNormWeightBackward: {
    inputs: [dy: Value, x: Value, invStd: Value]
    outputs: [dWeight: Value]
    attributes: Record<never, never>
  }
  /**
   * x [...,C], weight [C], bias [C] or null -> y [...,C] = (x - mean) * invStd * weight + bias, mean [...,1], invStd
   * [...,1] = 1/sqrt(variance+epsilon) with the variance divided by C (Ba et al. 2016).
   */
  layerNorm: {
    inputs: [x: Value, weight: Value, bias: Value | null]
    outputs: [y: Value, mean: Value, invStd: Value]
    attributes: { epsilon: number }
  }
  /** dy, x [...,C], weight [C], mean and invStd [...,1] -> dx [...,C] */
  layerNormBackward: {
    inputs: [dy: Value, x: Value, weight: Value, mean: Value, invStd: Value]
    outputs: [dx: Value]
    attributes: Record<never, never>
  }
  /** dy, x [...,C], mean and invStd [...,1] -> dWeight [C] = sum of dy * (x - mean) * invStd (a bias: sumLeading) */
  layerNormWeightBackward: {
    inputs: [dy: Value, x: Value, mean: Value, invStd: Value]
    outputs: [dWeight: Value]
    attributes: Record<never, never>
  }
  /**
   * Rotary embedding (Su et al. 2021), Hugging Face's "rotate half" form: x [B,S,H*D], positions int64 [B,S],
   * cos and sin [P,R/2] with R at most D -> y [B,S,H*D]: the first R numbers of every head are rotated, the others stay.
   * `inverse` rotates back (sin negated): the derivative.
   */
  rope: {
    inputs: [x: Value, positions: Value, cos: Value, sin: Value]
    outputs: [y: Value]
    attributes: { heads: number; inverse: boolean }
  }
  /**
   * Scaled dot-product attention with grouped key/value heads: q [B,S,H*D], k and v [B,T,K*D] -> out [B,S,H*D] and
   * logSumExp [B,H,S] of each query's final scores. score = cap(scale * q k) + bias + mask, where cap(x) is
   * softCap * tanh(x / softCap) or x.
   * A query sees a key only where all of these allow it:
   *   segments (null: all): int64 [B,S] of the queries and [B,T] of the keys are equal. Along a row they never fall:
   *     documents of a packed row are numbered upwards, padding behind a row has a number of its own, above all others.
   *     With sharesStart keys of segment 0 are seen from every segment: the start that all documents have in common,
   *     of equal length in every row (only causal, of the same segments on both sides, without window, mask and bias);
   *   causal: the key's index is not above the query's (only where S and T are one);
   *   window W (null: none): query index - key index < W; not causal: key index - query index < W too.
   * mask (null: none) float32 [B,S,T] and bias (null: none) float32 [S,T,H] are added; a large negative number hides.
   * Without a mask a query that keys come from too always sees itself. Only where segments of another side hide
   * every key is nothing seen: out is 0, logSumExp -infinity, and no gradient comes from there. A mask must leave
   * each query a key wherever gradients are computed: beside a large negative logSumExp probabilities are lost.
   */
  attention: {
    inputs: [
      q: Value,
      k: Value,
      v: Value,
      querySegments: Value | null,
      keySegments: Value | null,
      mask: Value | null,
      bias: Value | null,
    ]
    outputs: [out: Value, logSumExp: Value]
    attributes: AttentionAttributes
  }
  /**
   * dOut [B,S,H*D], out and logSumExp of the forward op, then its operands -> dq, dk, dv in the shapes of q, k, v.
   * Probabilities are computed again from the scores: exp(score - logSumExp) (Dao et al. 2022).
   */
  attentionBackward: {
    inputs: [dOut: Value, out: Value, logSumExp: Value, ...forward: OpTable['attention']['inputs']]
    outputs: [dq: Value, dk: Value, dv: Value]
    attributes: AttentionAttributes
  }
  /** The same operands -> dBias [S,T,H]: the gradient of the scores, summed over B. */
  attentionBiasBackward: {
    inputs: [dOut: Value, out: Value, logSumExp: Value, ...forward: OpTable['attention']['inputs']]
    outputs: [dBias: Value]
    attributes: AttentionAttributes
  }
  /**
   * Attention of new positions, causal among themselves, that also see M remembered ones before them: q [B,S,H*D],
   * k and v [B,S,K*D], pastK and pastV [B,M,K*D], pastMask float32 [B,M] added to the scores of the remembered keys (0
   * or a large negative number) -> out [B,S,H*D]. Writes answers token by token; it has no derivative. A window is not
   * an attribute: whoever feeds pastMask hides what lies too far back (by positions, which are known there).
   */
  rememberingAttention: {
    inputs: [q: Value, k: Value, v: Value, pastK: Value, pastV: Value, pastMask: Value]
    outputs: [out: Value]
    attributes: { heads: number; kvHeads: number; scale: number; softCap: number | null }
  }
  /** x [...,I] -> activation(x) */
  activation: { inputs: [x: Value]; outputs: [y: Value]; attributes: { kind: Activation } }
  /** dy, x [...,I] -> dx */
  activationBackward: {
    inputs: [dy: Value, x: Value]
    outputs: [dx: Value]
    attributes: { kind: Activation }
  }
  /** gate, up [...,I] -> activation(gate) * up (Shazeer 2020) */
  gatedActivation: {
    inputs: [gate: Value, up: Value]
    outputs: [y: Value]
    attributes: { kind: Activation }
  }
  /** dy, gate, up [...,I] -> dGate, dUp */
  gatedActivationBackward: {
    inputs: [dy: Value, gate: Value, up: Value]
    outputs: [dGate: Value, dUp: Value]
    attributes: { kind: Activation }
  }
  /** x [...,N*D] -> [...,N,D]: a view */
  splitLast: { inputs: [x: Value]; outputs: [y: Value]; attributes: { parts: number } }
  /** x [...,N,D] -> [...,N*D]: a view */
  mergeLast: { inputs: [x: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** x [...,sum of widths] -> one [...,width] for each of `widths`: parts of a fused projection */
  slices: {
    inputs: [x: Value]
    outputs: [first: Value, ...rest: Value[]]
    attributes: { widths: readonly number[] }
  }
  /** [...,w1], [...,w2], ... with equal leading dims -> [...,w1+w2+...] */
  concatLast: {
    inputs: [first: Value, ...rest: Value[]]
    outputs: [y: Value]
    attributes: Record<never, never>
  }
  /** x of any shape -> factor * x */
  scale: { inputs: [x: Value]; outputs: [y: Value]; attributes: { factor: number } }
  /** x of any shape -> cap * tanh(x / cap) (Gemma 2) */
  softCap: { inputs: [x: Value]; outputs: [y: Value]; attributes: { cap: number } }
  /** dy, y of the forward op -> dx = dy * (1 - (y / cap)^2) */
  softCapBackward: { inputs: [dy: Value, y: Value]; outputs: [dx: Value]; attributes: { cap: number } }
  /** a, b of one shape -> a * b, element by element */
  multiply: { inputs: [a: Value, b: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** x [...,C], factors [C] -> each column times its factor */
  multiplyColumns: {
    inputs: [x: Value, factors: Value]
    outputs: [y: Value]
    attributes: Record<never, never>
  }
  /** dy, x [...,C] -> dFactors [C] = sum over leading dims of dy * x */
  multiplyColumnsBackward: {
    inputs: [dy: Value, x: Value]
    outputs: [dFactors: Value]
    attributes: Record<never, never>
  }
  /**
   * weight [O,I], or [I,O] with `isInputFirst`, a [r,I], b [O,r] -> norms [O]: L2 norm of each row of weight + scale *
   * b a, the weight being turned to [O,I]. DoRA (Liu et al. 2024) treats it as a constant, so it has no derivative and
   * nothing flows through it.
   */
  adaptedRowNorms: {
    inputs: [weight: Value, a: Value, b: Value]
    outputs: [norms: Value]
    attributes: { scale: number; isInputFirst: boolean }
  }
  /** a [C], constants [C] -> a / constants; only a is differentiated */
  divideByConstants: {
    inputs: [a: Value, constants: Value]
    outputs: [y: Value]
    attributes: Record<never, never>
  }
  /** x [B,S,C], weights [B,S] -> y [B,C] = sum over s of weights * x: mean pooling with weights of 1/n */
  weightedSum: { inputs: [x: Value, weights: Value]; outputs: [y: Value]; attributes: Record<never, never> }
  /** dy [B,C], weights [B,S] -> dx [B,S,C] = dy * weights */
  weightedSumBackward: {
    inputs: [dy: Value, weights: Value]
    outputs: [dx: Value]
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
   * logits [L,V], targets int64 [L], weights float32 [L] -> losses [L] = weight * cross-entropy in nats against
   * q = (1 - smoothing) * onehot + smoothing / V (Szegedy et al. 2016; torch's label_smoothing), and dLogits [L,V] =
   * weight * (softmax - q), the gradient of the sum of losses.
   */
  softmaxCrossEntropy: {
    inputs: [logits: Value, targets: Value, weights: Value]
    outputs: [losses: Value, dLogits: Value]
    attributes: { smoothing: number }
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

export interface AttentionAttributes {
  readonly heads: number
  readonly kvHeads: number
  readonly scale: number
  readonly causal: boolean
  readonly window: number | null
  readonly softCap: number | null
  readonly sharesStart: boolean
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
