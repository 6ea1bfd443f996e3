// Prototype: lowers to kernels of our own (tunewright_kernels.node) what TensorFlow does in many passes. Values that are sums
// stay unmade (terms) until somebody reads them, and then come out as float32, bfloat16 or both in one pass.
import type { Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import { isNarrow, type NarrowGroup } from '../narrow-groups.ts'
import { type Emitter, lastOf } from './emitter.ts'
import { boolean, type DataType, float, floats, integer, type TfAttribute, type } from './graph-def.ts'
import { cast, matrixProduct, reshape } from './operators.ts'
import type { Tensor } from './tensor.ts'
import { read, readBfloat16 } from './weights.ts'

interface Narrow {
  readonly down: Tensor
  readonly up: Tensor
  /** up is [O,r] and not [r,O] */
  readonly isTurned: boolean
  readonly scale: number
}
interface Terms {
  readonly halves: readonly Tensor[]
  readonly narrows: readonly Narrow[]
  readonly fulls: readonly Tensor[]
  readonly norm: {
    readonly dy: Terms
    readonly x: Tensor
    readonly weight: Tensor
    readonly inverse: Tensor
    readonly offset: number
  } | null
}
const none: Terms = { halves: [], narrows: [], fulls: [], norm: null }
const both = (a: Terms, b: Terms): Terms => ({
  halves: [...a.halves, ...b.halves],
  narrows: [...a.narrows, ...b.narrows],
  fulls: [...a.fulls, ...b.fulls],
  norm: a.norm ?? b.norm,
})
const countOf = ({ halves, narrows, fulls }: Terms) => halves.length + narrows.length + fulls.length

interface Need {
  full: boolean
  half: boolean
  readers: number
  kinds: Set<string>
}

export class Fused {
  readonly #emit: Emitter
  readonly #lazy = new Map<number, Terms>()
  readonly #needs = new Map<number, Need>()
  /** What is replaced. */
  readonly #on: ReadonlySet<string> = new Set([
    'sum',
    'norm',
    'gated',
    'gatedHalf',
    'rope',
    'attention',
    'narrow',
  ])
  readonly #trained: ReadonlySet<number>

  constructor(emit: Emitter, graph: Graph) {
    this.#emit = emit
    this.#trained = new Set(graph.parameters.filter((p) => p.isTrainable).map(({ value }) => value.id))
    for (const node of [...graph.nodes].reverse()) this.#note(node)
    for (const value of graph.outputs) this.#need(value, 'full', 'output')
  }

  isLazy(value: Value): boolean {
    return this.#lazy.has(value.id)
  }

  #of(value: Value): Need {
    const known = this.#needs.get(value.id)
    if (known) return known
    const made = { full: false, half: false, readers: 0, kinds: new Set<string>() }
    this.#needs.set(value.id, made)
    return made
  }

  #need(value: Value | null, what: 'full' | 'half', reader: string): void {
    if (!value) return
    const need = this.#of(value)
    need[what] = true
    need.readers += 1
    need.kinds.add(reader)
  }

  get #isHalf(): boolean {
    return this.#emit.products === 'bfloat16'
  }

  #note(node: OpNode): void {
    const { kind, inputs } = node
    const wide = this.#isHalf ? 'half' : 'full'
    if (kind === 'linear' || kind === 'linearInputBackward') {
      const [x, weight, addend] = inputs as [Value, Value, Value | null]
      const isWayUp = this.#trained.has(weight.id) && isNarrow(x.shape.at(-1)!)
      this.#need(x, isWayUp ? 'full' : wide, kind)
      this.#need(weight, 'full', kind)
      this.#need(addend, 'full', kind)
    } else if (kind === 'linearWeightBackward') {
      for (const value of inputs) {
        const isOneNarrow = inputs.some((each) => isNarrow(each!.shape.at(-1)!))
        this.#need(
          value,
          isOneNarrow && !isNarrow(value!.shape.at(-1)!) && this.#on.has('narrow') ? wide : 'full',
          kind,
        )
      }
    } else if (kind === 'tie') {
      const [x, ...others] = inputs
      const of = this.#of(node.outputs[0]!)
      if (of.full) this.#need(x!, 'full', kind)
      if (of.half) this.#need(x!, 'half', kind)
      for (const value of others) this.#need(value, 'full', kind)
    } else if (kind === 'attentionBackward') {
      const [dOut, out, sums, ...rest] = inputs
      this.#need(dOut!, 'full', kind)
      if (!this.#takesAttention(node as OpNode<'attentionBackward'>)) this.#need(out!, 'full', kind)
      for (const value of [sums!, ...rest]) this.#need(value, 'full', kind)
    } else for (const value of inputs) this.#need(value, 'full', kind)
  }

  get #attentionHalves(): number {
    if (!this.#isHalf) return 0
    return this.#on.has('attentionHalf') ? 2 : this.#on.has('attentionMixed') ? 1 : 0
  }

  #takesAttention(node: OpNode<'attention'> | OpNode<'attentionBackward'>): boolean {
    const operands = node.kind === 'attention' ? node.inputs : node.inputs.slice(3)
    const { causal, window, softCap, sharesStart, heads } = node.attributes
    const width = lastOf(operands[0]!.shape) / heads
    return (
      this.#on.has('attention') &&
      causal &&
      window === null &&
      softCap === null &&
      !sharesStart &&
      width % 16 === 0 &&
      operands.slice(3).every((each) => each === null)
    )
  }

  // Terms and what they become.

  #terms(value: Value): Terms {
    const lazy = this.#lazy.get(value.id)
    if (lazy && this.#of(value).readers === 1 && countOf(lazy) < 10) {
      this.#lazy.delete(value.id)
      return lazy
    }
    return { ...none, fulls: [this.#emit.rows(value)] }
  }

  /** For sums that cannot hold a norm. */
  #plainTerms(value: Value): Terms {
    const lazy = this.#lazy.get(value.id)
    return lazy?.norm ? { ...none, fulls: [this.#emit.rows(value)] } : this.#terms(value)
  }

  #setLazy(value: Value, terms: Terms): void {
    if (this.#on.has('sum') && !this.#on.has('eager')) this.#lazy.set(value.id, terms)
    else {
      this.#lazy.set(value.id, terms)
      this.materialise(value)
    }
  }

  half(value: Value): Tensor {
    const known = this.#emit.halfRows.get(value.id)
    if (known) return known
    if (this.isLazy(value)) this.materialise(value)
    const made = this.#emit.halfRows.get(value.id) ?? cast(this.#emit, this.#emit.rows(value), 'bfloat16')
    this.#emit.halfRows.set(value.id, made)
    return made
  }

  #wide(value: Value): Tensor {
    return this.#isHalf ? this.half(value) : this.#emit.rows(value)
  }

  #sumInputs(
    first: Terms,
    second: Terms = none,
  ): { inputs: Tensor[]; attributes: Record<string, TfAttribute> } {
    const { halves, narrows, fulls } = both(first, second)
    const turned = narrows.reduce((bits, { isTurned }, i) => bits + (isTurned ? 2 ** i : 0), 0)
    return {
      inputs: [...halves, ...narrows.map(({ down }) => down), ...narrows.map(({ up }) => up), ...fulls],
      attributes: {
        H: integer(halves.length),
        N: integer(narrows.length),
        F: integer(fulls.length),
        first_H: integer(first.halves.length),
        first_N: integer(first.narrows.length),
        first_F: integer(first.fulls.length),
        turned: integer(turned),
        scales: floats(narrows.map(({ scale }) => scale)),
      },
    }
  }

  #declare(value: Value, full: Tensor | null, half: Tensor | null): void {
    if (full) this.#emit.setRows(value, full)
    if (half) this.#emit.halfRows.set(value.id, half)
  }

  materialise(value: Value): void {
    const terms = this.#lazy.get(value.id)!
    this.#lazy.delete(value.id)
    const need = this.#of(value)
    const full = need.full || !need.half
    const wanted = { gives_full: boolean(full), gives_half: boolean(need.half) }
    const { norm, ...rest } = terms
    const results = ['float32', 'bfloat16'] as const
    if (norm) {
      const { inputs, attributes } = this.#sumInputs(norm.dy, { ...rest, norm: null })
      const made = this.#emit.node(
        'TunewrightSumNormBackward',
        [...inputs, norm.x, norm.weight, norm.inverse],
        { ...attributes, ...wanted, offset: float(norm.offset) },
        results,
      )
      this.#declare(value, full ? made[0]! : null, need.half ? made[1]! : null)
      return
    }
    if (countOf(terms) === 1 && terms.fulls.length === 1 && !need.half) {
      this.#declare(value, terms.fulls[0]!, null)
      return
    }
    const { inputs, attributes } = this.#sumInputs(terms)
    const made = this.#emit.node('TunewrightSum', inputs, { ...attributes, ...wanted }, results)
    this.#declare(value, full ? made[0]! : null, need.half ? made[1]! : null)
  }

  // Rules; false: not ours.

  lower(node: OpNode): boolean {
    const rule = (this.#rules as Partial<Record<OpKind, (node: never) => boolean>>)[node.kind]
    return rule ? rule(node as never) : false
  }

  lowerGroup(group: NarrowGroup): boolean {
    if (!this.#on.has('narrow')) return false
    const emit = this.#emit
    if (group.kind === 'linear') {
      const [x] = group.nodes[0]!.inputs
      if (lastOf(x.shape) % 16 !== 0) return false
      this.#down(
        x,
        group.nodes.map(({ inputs }) => read(emit, inputs[1])),
        false,
        group.nodes[0]!.attributes.scale,
        group.nodes.map(({ outputs }) => outputs[0]),
      )
      return true
    }
    const [, x] = group.nodes[0]!.inputs
    if (isNarrow(lastOf(x.shape)) || lastOf(x.shape) % 16 !== 0) return false
    this.#gradients(
      group.nodes.map(({ inputs }) => inputs[0]),
      x,
      false,
      group.nodes[0]!.attributes.scale,
      group.nodes.map(({ outputs }) => outputs[0]),
    )
    return true
  }

  #down(
    x: Value,
    weights: readonly Tensor[],
    isTurned: boolean,
    scale: number,
    outputs: readonly Value[],
  ): void {
    const attributes = {
      M: integer(weights.length),
      scale: float(scale),
      turned: boolean(isTurned),
      of: type(this.#isHalf ? 'bfloat16' : 'float32'),
      is_half: boolean(this.#isHalf),
    }
    const outs = this.#emit.node(
      'TunewrightDown',
      [this.#wide(x), ...weights],
      attributes,
      weights.map((): DataType => 'float32'),
    )
    for (const [i, value] of outputs.entries()) this.#emit.setRows(value, outs[i]!)
  }

  #gradients(
    ds: readonly Value[],
    x: Value,
    isTurned: boolean,
    scale: number,
    outputs: readonly Value[],
  ): void {
    const attributes = {
      M: integer(ds.length),
      scale: float(scale),
      turned: boolean(isTurned),
      of: type(this.#isHalf ? 'bfloat16' : 'float32'),
      is_half: boolean(this.#isHalf),
    }
    const inputs = [...ds.map((d) => this.#emit.rows(d)), this.#wide(x)]
    const outs = this.#emit.node(
      'TunewrightNarrowGradient',
      inputs,
      attributes,
      ds.map((): DataType => 'float32'),
    )
    for (const [i, value] of outputs.entries()) this.#emit.setRows(value, outs[i]!)
  }

  #product(
    {
      inputs: [x, weight, addend],
      outputs: [y],
      attributes: { scale },
    }: OpNode<'linear'> | OpNode<'linearInputBackward'>,
    isForward: boolean,
  ): boolean {
    const emit = this.#emit
    const output = y.shape.at(-1)!
    const input = x.shape.at(-1)!
    if (typeof output !== 'number' || typeof input !== 'number' || x.shape.length < 2) return false
    if (addend && addend.shape.length < 2) return false
    const isTrained = this.#trained.has(weight.id)
    if (isTrained && isNarrow(input) && !isNarrow(output) && output % 16 === 0 && this.#on.has('sum')) {
      const own = {
        ...none,
        narrows: [{ down: emit.rows(x), up: read(emit, weight), isTurned: isForward, scale }],
      }
      this.#setLazy(y, addend ? both(own, this.#plainTerms(addend)) : own)
      return true
    }
    if (
      isTrained &&
      isNarrow(output) &&
      !isNarrow(input) &&
      !addend &&
      input % 16 === 0 &&
      this.#on.has('narrow')
    ) {
      this.#down(x, [read(emit, weight)], !isForward, scale, [y])
      return true
    }
    const isFrozenInFile = emit.locationOf(weight) !== null
    if (!isFrozenInFile || scale !== 1 || output % 16 !== 0 || output > 8192 || !this.#on.has('sum'))
      return false
    const turned = { isSecondTurned: isForward }
    const own = this.#isHalf
      ? { ...none, halves: [matrixProduct(emit, this.half(x), readBfloat16(emit, weight), turned)] }
      : { ...none, fulls: [matrixProduct(emit, emit.rows(x), read(emit, weight), turned)] }
    this.#setLazy(y, addend ? both(own, this.#plainTerms(addend)) : own)
    return true
  }

  readonly #rules: { readonly [K in OpKind]?: (node: OpNode<K>) => boolean } = {
    linear: (node) => this.#product(node, true),
    linearInputBackward: (node) => this.#product(node, false),

    linearWeightBackward: ({ inputs: [dy, x], outputs: [y], attributes: { scale } }) => {
      if (!this.#on.has('narrow')) return false
      const [o, i] = [lastOf(dy.shape), lastOf(x.shape)]
      if (isNarrow(o) && !isNarrow(i) && i % 16 === 0) this.#gradients([dy], x, false, scale, [y])
      else if (isNarrow(i) && !isNarrow(o) && o % 16 === 0) this.#gradients([x], dy, true, scale, [y])
      else return false
      return true
    },

    add: ({ inputs: [a, b], outputs: [y] }) => {
      if (!this.#on.has('sum') || lastOf(y.shape) % 16 !== 0) return false
      const first = this.#terms(a)
      this.#setLazy(y, both(first, first.norm ? this.#plainTerms(b) : this.#terms(b)))
      return true
    },

    tie: ({ inputs: [x, ...others], outputs: [y] }) => {
      const need = this.#of(y)
      if (!need.half) return false
      const emit = this.#emit
      const waits = others.map((each) => emit.rows(each))
      if (need.full) emit.setRows(y, emit.after(emit.rows(x), waits))
      emit.halfRows.set(y.id, emit.after(this.half(x), waits))
      return true
    },

    rmsNorm: ({ inputs: [x, weight], outputs: [y, invStd], attributes: { epsilon, offset } }) => {
      if (!this.#on.has('norm') || lastOf(x.shape) % 16 !== 0) return false
      const emit = this.#emit
      const lazy = this.#lazy.get(x.id)
      const isLazy = lazy !== undefined && lazy.norm === null && !this.#of(x).half
      if (isLazy) this.#lazy.delete(x.id)
      const terms = isLazy ? lazy : { ...none, fulls: [emit.rows(x)] }
      const keeps = isLazy && this.#of(x).readers > 1
      const need = this.#of(y)
      const { inputs, attributes } = this.#sumInputs(terms)
      const full = need.full || !need.half
      const made = emit.node(
        'TunewrightSumNorm',
        [...inputs, read(emit, weight)],
        {
          ...attributes,
          gives_full: boolean(full),
          gives_half: boolean(need.half),
          keeps: boolean(keeps),
          epsilon: float(epsilon),
          offset: float(offset),
        },
        ['float32', 'float32', 'bfloat16', 'float32'],
      )
      if (keeps) emit.setRows(x, made[0]!)
      this.#declare(y, full ? made[1]! : null, need.half ? made[2]! : null)
      emit.setRows(invStd, made[3]!)
      return true
    },

    rmsNormBackward: ({ inputs: [dy, x, weight, invStd], outputs: [dx], attributes: { offset } }) => {
      if (!this.#on.has('norm') || lastOf(x.shape) % 16 !== 0) return false
      const emit = this.#emit
      const norm = {
        dy: this.#plainTerms(dy),
        x: emit.rows(x),
        weight: read(emit, weight),
        inverse: emit.rows(invStd),
        offset,
      }
      this.#setLazy(dx, { ...none, norm })
      return true
    },

    gatedActivation: ({ inputs: [gate, up], outputs: [y], attributes: { kind } }) => {
      if (!this.#on.has('gated') || kind !== 'silu' || lastOf(y.shape) % 16 !== 0) return false
      const emit = this.#emit
      const [g, u] = [this.#lazy.get(gate.id), this.#lazy.get(up.id)]
      const isLazy = g !== undefined && u !== undefined && !g.norm && !u.norm
      for (const each of isLazy ? [gate, up] : []) this.#lazy.delete(each.id)
      const [first, second] = isLazy
        ? [g, u]
        : [gate, up].map((each) => ({ ...none, fulls: [emit.rows(each)] }))
      const isKept = isLazy && this.#of(gate).readers > 1
      const keeps = !isKept ? 0 : this.#on.has('gatedHalf') && this.#isHalf ? 2 : 1
      const need = this.#of(y)
      const full = need.full || !need.half
      const { inputs, attributes } = this.#sumInputs(first!, second!)
      const made = emit.node(
        'TunewrightGated',
        inputs,
        { ...attributes, gives_full: boolean(full), gives_half: boolean(need.half), keeps: integer(keeps) },
        ['float32', 'float32', 'bfloat16', 'bfloat16', 'float32', 'bfloat16'],
      )
      for (const [i, value] of keeps ? [gate, up].entries() : [])
        this.#declare(value, keeps === 1 ? made[i]! : null, keeps === 2 ? made[i + 2]! : null)
      this.#declare(y, full ? made[4]! : null, need.half ? made[5]! : null)
      return true
    },

    gatedActivationBackward: ({ inputs: [dy, gate, up], outputs: [dGate, dUp], attributes: { kind } }) => {
      if (!this.#on.has('gated') || kind !== 'silu' || lastOf(gate.shape) % 16 !== 0) return false
      const emit = this.#emit
      const kept = [gate, up].map((each) => emit.halfRows.get(each.id))
      const isHalf = kept.every((each) => each !== undefined)
      const { inputs, attributes } = this.#sumInputs(this.#plainTerms(dy))
      const needs = [dGate, dUp].map((each) => this.#of(each))
      const half = needs.some((each) => each.half)
      const full = needs.some((each) => each.full) || !half
      const made = emit.node(
        'TunewrightGatedBackward',
        [...inputs, ...(isHalf ? (kept as Tensor[]) : [emit.rows(gate), emit.rows(up)])],
        {
          ...attributes,
          gives_full: boolean(full),
          gives_half: boolean(half),
          kept: type(isHalf ? 'bfloat16' : 'float32'),
          kept_half: boolean(isHalf),
        },
        ['float32', 'float32', 'bfloat16', 'bfloat16'],
      )
      this.#declare(dGate, full ? made[0]! : null, half ? made[2]! : null)
      this.#declare(dUp, full ? made[1]! : null, half ? made[3]! : null)
      return true
    },

    rope: ({ inputs: [x, positions, cos, sin], outputs: [y], attributes: { heads, inverse } }) => {
      const width = lastOf(x.shape) / heads
      if (!this.#on.has('rope') || 2 * lastOf(cos.shape) !== width || width % 32 !== 0) return false
      const emit = this.#emit
      const places = emit.share(`flat ${positions.name}`, () =>
        reshape(emit, emit.whole(positions), emit.integers([-1])),
      )
      const need = this.#of(y)
      const full = need.full || !need.half
      const made = emit.node(
        'TunewrightRope',
        [emit.rows(x), read(emit, cos), read(emit, sin), places],
        {
          heads: integer(heads),
          inverse: boolean(inverse),
          gives_full: boolean(full),
          gives_half: boolean(need.half),
        },
        ['float32', 'bfloat16'],
      )
      this.#declare(y, full ? made[0]! : null, need.half ? made[1]! : null)
      return true
    },

    attention: (node) => {
      if (!this.#takesAttention(node)) return false
      const emit = this.#emit
      const {
        inputs: [q, k, v],
        outputs: [out, sums],
        attributes,
      } = node
      const need = this.#of(out)
      const full = need.full || !need.half
      const made = emit.node(
        'TunewrightAttention',
        [emit.rows(q), emit.rows(k), emit.rows(v), emit.sizeOf(q.shape[1]!)],
        {
          heads: integer(attributes.heads),
          key_heads: integer(attributes.kvHeads),
          scale: float(attributes.scale),
          halves: integer(this.#attentionHalves),
          gives_full: boolean(full),
          gives_half: boolean(need.half),
        },
        ['float32', 'bfloat16', 'float32'],
      )
      this.#declare(out, full ? made[0]! : null, need.half ? made[1]! : null)
      emit.setWhole(sums, made[2]!)
      return true
    },

    attentionBackward: (node) => {
      if (!this.#takesAttention(node)) return false
      const emit = this.#emit
      const {
        inputs: [dOut, , sums, q, k, v],
        outputs: [dq, dk, dv],
        attributes,
      } = node
      const need = this.#of(dv)
      const full = need.full || !need.half
      const made = emit.node(
        'TunewrightAttentionBackward',
        [
          emit.rows(q),
          emit.rows(k),
          emit.rows(v),
          emit.sizeOf(q.shape[1]!),
          emit.rows(dOut),
          emit.whole(sums),
        ],
        {
          heads: integer(attributes.heads),
          key_heads: integer(attributes.kvHeads),
          scale: float(attributes.scale),
          halves: integer(this.#attentionHalves),
          gives_full: boolean(full),
          gives_half: boolean(need.half),
        },
        ['float32', 'float32', 'float32', 'bfloat16'],
      )
      this.#declare(dq, made[0]!, null)
      this.#declare(dk, made[1]!, null)
      this.#declare(dv, full ? made[2]! : null, need.half ? made[3]! : null)
      return true
    },
  }
}
