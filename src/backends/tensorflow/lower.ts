// From a graph of the engine to a TensorFlow graph: what is fed, weights in files, one rule per op, and the order of the
// graph as edges without data. Pure.
import { gradientOutputName } from '#engine/autodiff/differentiate.ts'
import type { ResidentOptimizer, WeightLocation } from '#engine/backend-port.ts'
import type { Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import { findNarrowProducts } from '../narrow-groups.ts'
import { type FileLocation, partsOf } from '../stored-weights.ts'
import { type EmittedNode, Emitter, type Products, type Residence } from './emitter.ts'
import type { TfNode } from './graph-def.ts'
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
import type { Tensor } from './tensor.ts'
import { emitLoad, emitRead, emitSquares, emitUpdate } from './trained-parts.ts'
import {
  emitVariables,
  GradientSums,
  type GroupVariables,
  groupTrained,
  type TrainedGroup,
} from './trained-variables.ts'

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

/** What is run at once. */
export interface GraphPart {
  /** Public names of what is fed, and the nodes that take it. */
  readonly feeds: ReadonlyMap<string, string>
  /** The tensors that are asked for. */
  readonly fetches: readonly string[]
}

/** `fetches` hold the `outputs`, in their order. */
export interface LoweredGraph extends GraphPart {
  readonly nodes: readonly TfNode[]
  /** The graph's, without the gradients that the session keeps. */
  readonly outputs: readonly Value[]
  /** Where the session trains by itself. */
  readonly trained: LoweredTraining | null
  /** The node that fills the variables, to be run once; null where there are none. */
  readonly initial: string | null
}

export interface LoweredTraining {
  readonly groups: readonly TrainedGroup[]
  /** By portion: numbers of the groups, what loads them and what reads them (three tensors a group). */
  readonly portions: readonly {
    readonly groups: readonly number[]
    readonly load: GraphPart
    readonly read: GraphPart
  }[]
  /** [groups]: half the sums of squares. */
  readonly squares: GraphPart
  readonly update: GraphPart
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
  { weights, products, halves = new Map(), residence = 'mapped', resident }: LoweringOptions,
): LoweredGraph {
  const frozen = new Set(graph.parameters.filter((each) => !each.isTrainable).map(({ value }) => value.name))
  const bound = new Map([...weights].filter(([name]) => frozen.has(name)))
  const fileEnds = endsOf([...bound, ...halves])
  const emit = new Emitter(graph, { weights: bound, fileEnds, products, halves, residence })
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
  lowerNodes(emit, graph, sums)
  emit.enter(graph.nodes.length, 'outputs')
  const kept = new Set(resident ? trainable.map(({ name }) => gradientOutputName(name)) : [])
  const outputs = graph.outputs.filter(({ name }) => !kept.has(name))
  const wholes = outputs.map((value) => emit.whole(value))
  // Whoever asks for the losses has the gradients added.
  if (sums.additions.length > 0) wholes[0] = emit.after(wholes[0]!, sums.additions)
  const initial = emitInitial(emit)
  const parts = new GraphParts(emit)
  const step = parts.add(wholes, initial)
  const trained = resident ? emitTraining(emit, parts, variables, resident) : null
  return { nodes: [...parts.nodes.values()], ...step, outputs, trained, initial }
}

function lowerNodes(emit: Emitter, graph: Graph, sums: GradientSums): void {
  const narrow = findNarrowProducts(graph)
  for (const [step, node] of graph.nodes.entries()) {
    emit.enter(step, node.region)
    const group = narrow.get(node)
    if (group === undefined) lowerNode(emit, node)
    else if (group !== null) emitNarrowProducts(emit, group)
    sums.addWhatIsThere()
  }
}

/** Numbers of all groups that are loaded or read at once: 3 x 4 bytes for each stand twice in memory meanwhile. */
const portionNumbers = 20_000_000

/** A group moves when the one before it has: memory is that of one. */
function emitTraining(
  emit: Emitter,
  parts: GraphParts,
  variables: readonly GroupVariables[],
  { settings }: ResidentOptimizer,
): LoweredTraining {
  const done = (nodes: readonly Tensor[]): Tensor => emit.after(emit.scalar(0), nodes)
  let step = 0
  const next = (): void => emit.enter(step++, 'trained')
  const inTurn = (
    emitOne: (held: GroupVariables, index: number) => readonly Tensor[],
    of: readonly number[],
  ) =>
    of.flatMap((index) => {
      next()
      return emitOne(variables[index]!, index)
    })
  const portions = portionsOf(variables.map(({ group }) => group)).map((groups) => ({
    groups,
    load: parts.add([done(inTurn((held, index) => emitLoad(emit, held, index), groups))]),
    read: parts.add(inTurn((held) => emitRead(emit, held), groups)),
  }))
  next()
  const squares = parts.add([emitSquares(emit, variables)])
  const moved = inTurn((held) => emitUpdate(emit, held, settings), [...variables.keys()])
  next()
  const update = parts.add([done(moved)])
  return { groups: variables.map(({ group }) => group), portions, squares, update }
}

function portionsOf(groups: readonly TrainedGroup[]): readonly (readonly number[])[] {
  const portions: number[][] = []
  let numbers = Number.POSITIVE_INFINITY
  for (const [index, { length }] of groups.entries()) {
    if (numbers + length > portionNumbers) {
      portions.push([])
      numbers = 0
    }
    portions.at(-1)!.push(index)
    numbers += length
  }
  return portions
}

/** Parts share constants and variables only: the order in one says nothing about another. */
class GraphParts {
  readonly nodes = new Map<string, TfNode>()
  readonly #emit: Emitter

  constructor(emit: Emitter) {
    this.#emit = emit
  }

  add(results: readonly Tensor[], besides: string | null = null): GraphPart {
    const fetches = results.map(({ name }) => name)
    const kept = withoutUnread(this.#emit.nodes, besides === null ? fetches : [...fetches, besides])
    for (const node of inOrder(kept)) this.nodes.set(node.name, node)
    const there = new Set(kept.map(({ name }) => name))
    const feeds = new Map([...this.#emit.placeholders].map(([name, tensor]) => [name, tensor.name]))
    for (const [name, node] of feeds) if (!there.has(node)) feeds.delete(name)
    return { feeds, fetches }
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

const nodeOf = (tensor: string): string => tensor.split(':', 1)[0]!

/** Rules emit every result of their op, and views, whether or not anyone reads them. */
function withoutUnread(nodes: readonly EmittedNode[], fetches: readonly string[]): readonly EmittedNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const read = new Set<string>()
  const open = fetches.map(nodeOf)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (read.has(name)) continue
    read.add(name)
    const { inputs, controls } = byName.get(name)!
    for (const tensor of [...inputs, ...controls]) open.push(nodeOf(tensor.name))
  }
  return nodes.filter(({ name }) => read.has(name))
}

/**
 * Every op waits for the one before it. TensorFlow runs what is ready; without this it would begin a step with widening
 * all weights and keep what it does not need for long. So the graph's order is the runtime's, from run to run, and
 * memory is what the graph's order needs. Bodies of loops are in order by themselves.
 */
function inOrder(nodes: readonly EmittedNode[]): readonly TfNode[] {
  const sizes = sizeNodes(nodes)
  const isOrdered = ({ name, inputs, frame, step }: EmittedNode): boolean =>
    frame === null && inputs.length > 0 && step >= 0 && !sizes.has(name)
  const lastOfStep = new Map<number, string>()
  for (const node of nodes) if (isOrdered(node)) lastOfStep.set(node.step, node.name)
  const before = new Map<number, string>()
  let last: string | null = null
  for (const step of [...lastOfStep.keys()].sort((a, b) => a - b)) {
    if (last !== null) before.set(step, last)
    last = lastOfStep.get(step)!
  }
  const stepOfWaiting = new Map<string, number>()
  return nodes.map((node) => {
    const { name, operator, inputs, attributes, step, device } = node
    const waitsFor = new Set(node.controls.map((control) => nodeOf(control.name)))
    const isFirst = !inputs.some((input) => stepOfWaiting.get(nodeOf(input.name)) === step)
    const previous = before.get(step)
    if (isOrdered(node) && isFirst && previous !== undefined) waitsFor.add(previous)
    if (isOrdered(node) || node.frame !== null) stepOfWaiting.set(name, step)
    return {
      name,
      operator,
      inputs: inputs.map((input) => input.name),
      controls: [...waitsFor],
      attributes,
      device,
    }
  })
}

/** They make something large of sizes. */
const large: ReadonlySet<string> = new Set(['Fill', 'TensorArrayV3'])

/**
 * Constants and sizes, and what is computed from those alone: they are small and wait for nothing. Where they did,
 * TensorFlow 2.21 would lose inputs when it joins the constants among the parts of a shape ("Incomplete graph").
 */
function sizeNodes(nodes: readonly EmittedNode[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { name, operator, inputs, controls, frame } of nodes) {
    const isComputed = inputs.length > 0 && frame === null && controls.length === 0 && !large.has(operator)
    const isOfSizes = isComputed && inputs.every((input) => found.has(nodeOf(input.name)))
    if (operator === 'Const' || operator === 'Shape' || isOfSizes) found.add(name)
  }
  return found
}
