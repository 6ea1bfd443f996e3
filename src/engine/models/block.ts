// One block of any family, as its description says: attention and MLP between norms, each added to the residual stream.
// Legend: B rows, S positions, C hidden, H query heads, K key/value heads, D head width, I MLP width.
import type { LinearName } from '#shared/recipe.ts'
import type { GraphBuilder } from '../ir/graph-builder.ts'
import type { Value } from '../ir/types.ts'
import type {
  AttentionSublayer,
  BlockDescription,
  LinearDescription,
  MlpSublayer,
  Sublayer,
} from './config.ts'
import type { ForwardContext } from './forward.ts'
import { blockOf, linearIn } from './shapes.ts'

/** What a block sees beside its input. */
export interface Surroundings {
  /** int64 [B,S] of the block's own positions. */
  readonly segments: Value | null
  /** float32 [S,S,H]: bias by distance. */
  readonly bias: Value | null
  /** What the encoder made, its segments, and those of the positions that look at it. */
  readonly encoded: { readonly hidden: Value; readonly segments: Value; readonly readers: Value } | null
}

/** Norm of x [...,C] by the weights below `path`. */
export function addNorm(context: ForwardContext, x: Value, path: string, name: string): Value {
  const { builder, weights, config } = context
  const { kind, epsilon, offset } = config.norm
  const weight = weights.weight(`${path}.weight`)
  if (kind === 'rms')
    return builder.add('rmsNorm', [x, weight], { epsilon, offset }, name, `${name}.inv_std`)[0]
  const bias = weights.weight(`${path}.bias`)
  return builder.add('layerNorm', [x, weight, bias], { epsilon }, name, `${name}.mean`, `${name}.inv_std`)[0]
}

/** A sublayer at work: its linears by what they stand for, and names of what it computes. */
class Part {
  readonly context: ForwardContext
  readonly layer: number
  readonly block: BlockDescription
  readonly at: string
  readonly #linears: readonly LinearDescription[]

  constructor(context: ForwardContext, layer: number, sublayer: Sublayer) {
    this.context = context
    this.layer = layer
    this.block = blockOf(context.config, layer)
    const kind = sublayer.kind === 'self' ? 'attention' : sublayer.kind
    this.at = `layer.${layer}.${kind}`
    this.#linears = sublayer.linears.map((template) => linearIn(this.block, template))
  }

  get builder(): GraphBuilder {
    return this.context.builder
  }

  project(role: LinearName, x: Value, addend: Value | null = null): Value {
    const linear = this.#linears.find(({ roles }) => roles.includes(role))
    if (!linear) throw new Error(`${this.at} has no ${role}`)
    return this.context.weights.project(linear, x, addend)
  }

  norm(x: Value, path: string, name: string): Value {
    return addNorm(this.context, x, `${this.block.path}.${path}`, `${this.at}.${name}`)
  }
}

/** Queries [B,S,H*D], keys and values [B,T,K*D]. */
type Heads = readonly [q: Value, k: Value, v: Value]

function projectHeads(part: Part, sublayer: AttentionSublayer, x: Value, other: Value): Heads {
  if (sublayer.projections === 'separate')
    return [part.project('q_proj', x), part.project('k_proj', other), part.project('v_proj', other)]
  const { heads, kvHeads, headWidth } = part.context.config
  const fused = part.project('q_proj', x)
  const names = ['q', 'k', 'v'].map((name) => `${part.at}.${name}`)
  const slice = (from: Value, widths: readonly number[]): Heads => {
    const [q, k, v] = part.builder.add('slices', [from], { widths }, ...names)
    if (!q || !k || !v) throw new Error(`${part.at} is cut into fewer than three`)
    return [q, k, v]
  }
  if (sublayer.projections === 'fused')
    return slice(fused, [heads * headWidth, kvHeads * headWidth, kvHeads * headWidth])
  const [byHead] = part.builder.add('splitLast', [fused], { parts: heads }, `${part.at}.heads`)
  const [q, k, v] = slice(byHead, [headWidth, headWidth, headWidth])
  const merge = (value: Value): Value => part.builder.add('mergeLast', [value], {}, `${value.name}.merged`)[0]
  return [merge(q), merge(k), merge(v)]
}

function normHeads(part: Part, sublayer: AttentionSublayer, [q, k, v]: Heads): Heads {
  const norms = sublayer.queryKeyNorms
  if (!norms) return [q, k, v]
  const { heads, kvHeads } = part.context.config
  const norm = (x: Value, parts: number, path: string, name: string): Value => {
    if (norms.over === 'width') return part.norm(x, path, name)
    const [split] = part.builder.add('splitLast', [x], { parts }, `${part.at}.${name}.heads`)
    return part.builder.add('mergeLast', [part.norm(split, path, name)], {}, `${part.at}.${name}.merged`)[0]
  }
  return [norm(q, heads, norms.query, 'q.norm'), norm(k, kvHeads, norms.key, 'k.norm'), v]
}

function rotateHeads(part: Part, [q, k, v]: Heads): Heads {
  const { inputs, config } = part.context
  const { rope } = part.block
  if (rope === null) return [q, k, v]
  const { cos, sin } = inputs.rope(rope)
  const positions = inputs.whole('positions')
  const rotate = (x: Value, heads: number, name: string): Value =>
    part.builder.add(
      'rope',
      [x, positions, cos, sin],
      { heads, inverse: false },
      `${part.at}.${name}.rotated`,
    )[0]
  return [rotate(q, config.heads, 'q'), rotate(k, config.kvHeads, 'k'), v]
}

function attentionAttributes({ context, block }: Part, isCross: boolean) {
  const { config, sharesStart } = context
  return {
    heads: config.heads,
    kvHeads: config.kvHeads,
    scale: block.attentionScale,
    causal: block.form.isCausal && !isCross,
    window: isCross ? null : block.window,
    softCap: config.attentionSoftCap,
    sharesStart,
  }
}

function addAttention(
  part: Part,
  sublayer: AttentionSublayer,
  x: Value,
  around: Surroundings,
  addend: Value | null,
): Value {
  const isCross = sublayer.kind === 'cross'
  const encoded = isCross ? around.encoded : null
  if (isCross && !encoded) throw new Error(`${part.at} has no encoder to look at`)
  const projected = projectHeads(part, sublayer, x, encoded?.hidden ?? x)
  const [q, k, v] = rotateHeads(part, normHeads(part, sublayer, projected))
  const attended = part.context.attend({
    layer: part.layer,
    kind: sublayer.kind,
    name: isCross ? `${part.at}.attention` : part.at,
    ...{ q, k, v },
    querySegments: encoded ? encoded.readers : around.segments,
    keySegments: encoded ? encoded.segments : around.segments,
    bias: isCross ? null : around.bias,
    attributes: attentionAttributes(part, isCross),
  })
  return part.project('o_proj', attended, addend)
}

function addMlp(part: Part, sublayer: MlpSublayer, x: Value, addend: Value | null): Value {
  const { activation: kind, isGated, linears } = sublayer
  const { builder } = part
  if (!isGated) {
    const [active] = builder.add('activation', [part.project('up_proj', x)], { kind }, `${part.at}.active`)
    return part.project('down_proj', active, addend)
  }
  const isFused = linears.some(({ roles }) => roles.includes('gate_proj') && roles.includes('up_proj'))
  const gate = part.project('gate_proj', x)
  const width = part.context.config.intermediate
  const [first, second] = isFused
    ? builder.add('slices', [gate], { widths: [width, width] }, `${part.at}.gate`, `${part.at}.up`)
    : [gate, part.project('up_proj', x)]
  if (!second) throw new Error(`${part.at} is cut into fewer than two`)
  const [gated] = builder.add('gatedActivation', [first, second], { kind }, `${part.at}.gated`)
  return part.project('down_proj', gated, addend)
}

/** `residual` plus what the sublayer makes of x. */
function addSublayer(
  context: ForwardContext,
  layer: number,
  sublayer: Sublayer,
  x: Value,
  residual: Value,
  around: Surroundings,
): Value {
  const part = new Part(context, layer, sublayer)
  const { builder, config } = context
  const { before, branch, sum } = sublayer.norms
  const input = before === null ? x : part.norm(x, before, 'norm')
  // Where nothing comes between, the last projection adds the residual stream itself.
  const isPlain = branch === null && config.branchScale === 1
  const addend = isPlain ? residual : null
  let y =
    sublayer.kind === 'mlp'
      ? addMlp(part, sublayer, input, addend)
      : addAttention(part, sublayer, input, around, addend)
  if (branch !== null) y = part.norm(y, branch, 'branch')
  if (config.branchScale !== 1)
    [y] = builder.add('scale', [y], { factor: config.branchScale }, `${part.at}.scaled`)
  if (!isPlain) [y] = builder.add('add', [y, residual], {}, `${part.at}.sum`)
  return sum === null ? y : part.norm(y, sum, 'norm')
}

/** x [B,S,C] -> [B,S,C]: block `layer` of the model, in its region. */
export function addBlock(context: ForwardContext, layer: number, x: Value, around: Surroundings): Value {
  const { form } = blockOf(context.config, layer)
  return context.builder.inRegion(`layer.${layer}`, () =>
    form.sublayers.reduce(
      (residual, sublayer) =>
        addSublayer(context, layer, sublayer, form.isParallel ? x : residual, residual, around),
      x,
    ),
  )
}
