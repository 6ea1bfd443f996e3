// From a graph of the engine to an ONNX model: inputs, external weights, one rule per op. Pure.
import type { Tensor, WeightLocation } from '#engine/backend-port.ts'
import type { Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import { findNarrowProducts } from '../narrow-groups.ts'
import { absmaxName, countOf, partsRead, type QuantisedIn } from '../stored-weights.ts'
import { Emitter } from './emitter.ts'
import type { OnnxConstant, OnnxExternal, OnnxModel, OnnxNode, OnnxPort } from './model-proto.ts'
import { emitNarrowProducts, owesFactors } from './narrow-products.ts'
import type { Dialect } from './node-writer.ts'
import { dequantise } from './quantised.ts'
import { activationRules } from './rules/activation.ts'
import { attentionRules } from './rules/attention.ts'
import { linearRules } from './rules/linear.ts'
import { lossRules } from './rules/loss.ts'
import { normRules } from './rules/norm.ts'
import { pointwiseRules } from './rules/pointwise.ts'
import { ropeRules } from './rules/rope.ts'
import type { RulesFor } from './rules/rule.ts'

/** Keyed by every op of the IR: an op without a rule does not compile. */
const rules: RulesFor<OpKind> = {
  ...activationRules,
  ...attentionRules,
  ...linearRules,
  ...lossRules,
  ...normRules,
  ...pointwiseRules,
  ...ropeRules,
}

interface Lowering {
  readonly dialect: Dialect
  /** Numbers that go into the model, so that a graphics card keeps them from run to run. */
  readonly embedded: ReadonlyMap<string, Tensor>
  /** What lies in files in half precision is an input in float32: `widened` of the result says what and where. */
  readonly isHalfWidened: boolean
}

export interface LoweredGraph extends OnnxModel {
  readonly widened: ReadonlyMap<string, OnnxExternal>
}

const onProcessor: Lowering = { dialect: 'cpu', embedded: new Map(), isHalfWidened: false }

/**
 * Lowers a graph. Frozen weights in files become external initializers; those in memory, if they are not embedded, become
 * inputs like the trainable ones, to be fed on every run: nothing is copied and the 2 GB limit of a protobuf does not
 * bite. `weights` must hold every frozen parameter that lies in a file.
 */
export function lowerGraph(
  graph: Graph,
  weights: ReadonlyMap<string, WeightLocation>,
  { dialect, embedded, isHalfWidened }: Lowering = onProcessor,
): LoweredGraph {
  const frozen = new Set(graph.parameters.filter((each) => !each.isTrainable).map(({ value }) => value.name))
  const bound = new Map([...weights].filter(([name]) => frozen.has(name)))
  const emit = new Emitter(graph, bound, { dequantise, dialect, isHalfWidened })
  lowerNodes(emit, graph)
  const { externals, widened, fed } = bindParameters(emit, graph, embedded)
  const outputs = graph.outputs.map((value) => asPort(namedResult(emit, graph, value)))
  const returned = new Set(outputs.map((port) => port.name))
  const nodes = withoutUnread(emit.nodes, returned)
  const made = new Set(nodes.flatMap((node) => node.outputs))
  return {
    nodes,
    constants: emit.constants,
    externals,
    widened,
    inputs: [...graph.inputs.map(asPort), ...fed],
    outputs,
    between: [...emit.shapes.values()].filter(({ name }) => made.has(name) && !returned.has(name)),
  }
}

function bindParameters(emit: Emitter, { parameters }: Graph, embedded: Lowering['embedded']) {
  const externals = new Map<string, OnnxExternal>()
  const widened = new Map<string, OnnxExternal>()
  const fed: OnnxPort[] = []
  const give = (port: OnnxPort): void => {
    const tensor = embedded.get(port.name)
    if (tensor) emit.constants.set(port.name, asConstant(tensor))
    else fed.push(port)
  }
  for (const { value } of parameters) {
    const location = emit.locationOf(value)
    if (!location || location.kind === 'memory') give(asPort(value))
    else
      for (const [name, part] of partsRead(value.name, location)) {
        const isWidened = emit.isHalfWidened && isHalf(part)
        if (isWidened) fed.push({ name, elementType: 'float32', dims: part.dims })
        const where = isWidened ? widened : externals
        where.set(name, part)
      }
    if (location?.kind === 'quantised' && location.scheme === 'nf4') give(absmaxPort(value.name, location))
  }
  return { externals, widened, fed }
}

/**
 * Rules emit every result of their op, and views, whether or not anyone reads them. The runtime would run what nobody
 * reads last, since it runs leaves last, and keep its operands' memory until then.
 */
function withoutUnread(nodes: readonly OnnxNode[], results: ReadonlySet<string>): readonly OnnxNode[] {
  const read = new Set(results)
  const kept = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => read.has(name))) return false
    for (const name of readBy(node)) read.add(name)
    return true
  })
  return kept.reverse()
}

/** What a node reads, by itself or in its body. */
function readBy({ inputs, attributes }: OnnxNode): readonly string[] {
  const bodies = Object.values(attributes).filter((attribute) => attribute.kind === 'graph')
  return [...inputs, ...bodies.flatMap(({ value }) => value.nodes.flatMap(readBy))]
}

function lowerNodes(emit: Emitter, graph: Graph): void {
  const narrow = findNarrowProducts(graph)
  for (const node of graph.nodes) {
    const group = narrow.get(node)
    emit.enter(node.region)
    if (group === undefined) lowerNode(emit, node)
    else if (group !== null && owesFactors(emit, group)) for (const each of group.nodes) lowerNode(emit, each)
    else if (group !== null) emitNarrowProducts(emit, group)
  }
}

function lowerNode<K extends OpKind>(emit: Emitter, node: OpNode<K>): void {
  rules[node.kind as K](emit, node)
}

const asPort = (value: Value): OnnxPort => ({
  name: value.name,
  elementType: value.dtype,
  dims: value.shape,
})

const isHalf = ({ elementType }: OnnxExternal): boolean =>
  elementType === 'float16' || elementType === 'bfloat16'

const asConstant = ({ dtype, shape, data }: Tensor): OnnxConstant => ({
  elementType: dtype,
  dims: shape,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
})

const absmaxPort = (name: string, location: QuantisedIn<'nf4'>): OnnxPort => ({
  name: absmaxName(name),
  elementType: 'float32',
  dims: [countOf(location.shape) / location.blockValues],
})

/** ONNX does not let an input be an output of the same name. */
function namedResult(emit: Emitter, graph: Graph, value: Value): Value {
  if (emit.producerOf(value)) return value
  const isFed =
    graph.inputs.includes(value) || graph.parameters.some((parameter) => parameter.value === value)
  throw new Error(
    isFed
      ? `Output ${value.name} is an input: return it through an op.`
      : `Output ${value.name} has no producer.`,
  )
}
