// From a graph of the engine to a TensorFlow graph: what is fed, weights in files, one rule per op. Pure.
import { gradientOutputName } from '#engine/autodiff/differentiate.ts'
import type { ResidentOptimizer, WeightLocation } from '#engine/backend-port.ts'
import type { Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import { findNarrowProducts, type NarrowProducts } from '../narrow-groups.ts'
import { type FileLocation, partsOf } from '../stored-weights.ts'
import { Emitter, type Products, type Residence } from './emitter.ts'
import { Fused } from './fused/fused.ts'
import type { TfNode } from './graph-def.ts'
import { type GraphPart, GraphParts } from './graph-parts.ts'
import { emitNarrowProducts } from './narrow-products.ts'
import { activationRules } from './rules/activation.ts'
import { attentionRules } from './rules/attention.ts'
import { linearRules } from './rules/linear.ts'
import { lossRules } from './rules/loss.ts'
import { normRules } from './rules/norm.ts'
import { pointwiseRules } from './rules/pointwise.ts'
import { ropeRules } from './rules/rope.ts'
import { rowRules } from './rules/rows.ts'
import type { RulesFor } from './rules/rule.ts'
import { emitTraining, type LoweredTraining } from './trained-parts.ts'
import { emitVariables, GradientSums, groupTrained } from './trained-variables.ts'
import { holdFiles } from './weights.ts'

/** Keyed by every op of the IR: an op without a rule does not compile. */
const rules: RulesFor<OpKind> = {
  ...activationRules,
  ...attentionRules,
  ...linearRules,
  ...lossRules,
  ...normRules,
  ...pointwiseRules,
  ...ropeRules,
  ...rowRules,
}

/** `fetches` hold the `outputs`, in their order, and then what keeps mapped files (weights.ts). */
export interface LoweredGraph extends GraphPart {
  readonly nodes: readonly TfNode[]
  /** The graph's, without the gradients that the session keeps. */
  readonly outputs: readonly Value[]
  /** Where the session trains by itself. */
  readonly trained: LoweredTraining | null
  /** The node that fills the variables, to be run once; null where there are none. */
  readonly initial: string | null
}

interface LoweringOptions {
  /** Must hold every frozen parameter that lies in a file. */
  readonly weights: ReadonlyMap<string, WeightLocation>
  readonly products: Products
  /** Weights of products that also lie as bfloat16, by name. */
  readonly halves?: ReadonlyMap<string, FileLocation>
  /** By default mapped. */
  readonly residence?: Residence
  /** Given, trained weights are variables that the session moves by itself. */
  readonly resident?: ResidentOptimizer | undefined
  /** Whether our own operators (kernels/) are there. They compute on the processor: only what is mapped is given to them. */
  readonly hasKernels?: boolean
}

/** Frozen weights of products that lie in files, and not as bfloat16. */
export function weightsToHalve(
  graph: Graph,
  weights: ReadonlyMap<string, WeightLocation>,
): ReadonlyMap<string, FileLocation> {
  const frozen = new Set(graph.parameters.filter((each) => !each.isTrainable).map(({ value }) => value.id))
  const found = new Map<string, FileLocation>()
  for (const { kind, inputs } of graph.nodes) {
    if (kind !== 'linear' && kind !== 'linearInputBackward') continue
    const weight = inputs[1]
    const location = weight && frozen.has(weight.id) ? weights.get(weight.name) : undefined
    if (location?.kind === 'file' && location.dtype !== 'bfloat16') found.set(weight!.name, location)
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function lowerGraph(
  graph: Graph,
  {
    weights,
    products,
    halves = new Map(),
    residence = 'mapped',
    resident,
    hasKernels = false,
  }: LoweringOptions,
): LoweredGraph {
  const frozen = new Set(graph.parameters.filter((each) => !each.isTrainable).map(({ value }) => value.name))
  const bound = new Map([...weights].filter(([name]) => frozen.has(name)))
  const fileEnds = endsOf([...bound, ...halves])
  const emit = new Emitter(graph, { weights: bound, fileEnds, products, halves, residence })
  const narrow = findNarrowProducts(graph)
  const fused = hasKernels && residence === 'mapped' ? new Fused(emit, graph, narrow) : null
  const trainable = graph.parameters.filter((each) => each.isTrainable).map(({ value }) => value)
  feedValues(
    emit,
    [...graph.inputs, ...graph.parameters.map(({ value }) => value)].filter(
      (value) => !resident || !trainable.includes(value),
    ),
  )
  const groups = resident ? groupTrained(trainable, resident.rates) : []
  const variables = emitVariables(emit, graph, groups)
  const sums = new GradientSums(emit, graph, variables)
  lowerNodes(emit, graph, { narrow, fused, sums })
  emit.enter(graph.nodes.length, 'outputs')
  const kept = new Set(resident ? trainable.map(({ name }) => gradientOutputName(name)) : [])
  const outputs = graph.outputs.filter(({ name }) => !kept.has(name))
  const wholes = outputs.map((value) => emit.whole(value))
  // Whoever asks for the losses has the gradients added.
  if (sums.additions.length > 0) wholes[0] = emit.after(wholes[0]!, sums.additions)
  const initial = emitInitial(emit)
  const parts = new GraphParts(emit)
  const step = parts.add([...wholes, ...holdFiles(emit, wholes)], initial)
  const trained = resident ? emitTraining(emit, parts, variables, resident) : null
  return { nodes: [...parts.nodes.values()], ...step, outputs, trained, initial }
}

interface Lowering {
  readonly narrow: NarrowProducts
  /** Null where our own operators are not to be named. */
  readonly fused: Fused | null
  readonly sums: GradientSums
}

function lowerNodes(emit: Emitter, graph: Graph, { narrow, fused, sums }: Lowering): void {
  for (const [step, node] of graph.nodes.entries()) {
    emit.enter(step, node.region)
    const group = narrow.get(node)
    if (group === undefined) {
      if (!fused?.lower(node)) lowerNode(emit, node)
    } else if (group !== null && !fused?.lowerGroup(group)) emitNarrowProducts(emit, group)
    sums.addWhatIsThere()
  }
}

function emitInitial(emit: Emitter): string | null {
  if (emit.assignments.length === 0) return null
  return emit.atLoading(null, () => emit.waitingFor(emit.assignments))
}

function lowerNode<K extends OpKind>(emit: Emitter, node: OpNode<K>): void {
  rules[node.kind as K](emit, node)
}

/** Inputs, trained weights and frozen ones in memory. Whole numbers are fed in 32 bits. */
function feedValues(emit: Emitter, values: readonly Value[]): void {
  for (const value of values) {
    if ((emit.locationOf(value)?.kind ?? 'memory') !== 'memory') continue
    const dataType = value.dtype === 'int64' ? 'int32' : 'float32'
    emit.setWhole(value, emit.placeholder(value.name, dataType, value.shape))
  }
}

/** Where the last weight in each file ends. */
function endsOf(weights: Iterable<readonly [string, WeightLocation]>): ReadonlyMap<string, number> {
  const ends = new Map<string, number>()
  for (const [name, location] of weights) {
    if (location.kind === 'memory') continue
    const path = `${location.folder}/${location.file}`
    for (const { offsetBytes, lengthBytes } of partsOf(name, location).values())
      ends.set(path, Math.max(ends.get(path) ?? 0, offsetBytes + lengthBytes))
  }
  return ends
}
