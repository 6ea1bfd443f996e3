// Reverse-mode differentiation: one graph in, the same graph with gradients out. Knows no op; vjp-rules.ts does.
import { GraphBuilder } from '../ir/graph-builder.ts'
import { regionOfPhase, splitRegion } from '../ir/region.ts'
import { renameValues } from '../ir/rewrite.ts'
import { GraphError } from '../ir/type-rules.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'
import { applyVjp, isHeldConstant } from './vjp-rules.ts'

/** Public name of a parameter's gradient among the outputs. */
export const gradientOutputName = (parameterName: string): string => `grad.${parameterName}`

const isFloat = (value: Value): boolean => value.dtype === 'float32'

/** Operands of a node through which gradients flow. */
function flowingOperands(node: OpNode): readonly Value[] {
  const inputs = node.inputs as readonly (Value | null)[]
  return inputs.filter((value, index) => value !== null && !isHeldConstant(node, index)) as readonly Value[]
}

/** Ids of the values on a path from `wrt` to `losses`. Whole numbers and constants end a path. */
function activeValues(graph: Graph, losses: readonly Value[], wrt: readonly Value[]): ReadonlySet<number> {
  const reached = new Set(wrt.map((value) => value.id))
  for (const node of graph.nodes)
    if (flowingOperands(node).some((value) => reached.has(value.id)))
      for (const value of node.outputs) if (isFloat(value)) reached.add(value.id)
  const needed = new Set(losses.map((value) => value.id))
  for (const node of graph.nodes.toReversed())
    if (node.outputs.some((value) => needed.has(value.id)))
      for (const value of flowingOperands(node)) needed.add(value.id)
  return new Set([...reached].filter((id) => needed.has(id)))
}

class Tape {
  readonly builder: GraphBuilder
  readonly #active: ReadonlySet<number>
  readonly #gradients = new Map<number, Value>()

  constructor(builder: GraphBuilder, active: ReadonlySet<number>) {
    this.builder = builder
    this.#active = active
  }

  gradientOf(value: Value): Value | null {
    return this.#gradients.get(value.id) ?? null
  }

  seed(loss: Value, region: string): void {
    const [ones] = this.builder.inRegion(region, () => this.builder.add('ones', [loss], {}, `d.${loss.name}`))
    this.#gradients.set(loss.id, ones)
  }

  /** Carries the gradients of a node's results over to its operands. */
  pullBack(node: OpNode): void {
    const gradients = node.outputs.map((value) => this.gradientOf(value))
    const inputs = node.inputs as readonly (Value | null)[]
    const needs = (value: Value | null, index: number): value is Value =>
      value !== null && this.#active.has(value.id) && !isHeldConstant(node, index)
    if (gradients.every((gradient) => gradient === null) || !inputs.some(needs)) return
    const context = { builder: this.builder, gradientName: (operand: Value) => `d.${operand.name}` }
    const contributions = applyVjp(context, node, gradients)
    for (const [index, operand] of inputs.entries()) {
      if (!needs(operand, index)) continue
      const contribution = contributions[index]
      if (!contribution)
        throw new GraphError(`${node.kind}: operand ${index} (${operand.name}) is not differentiable`)
      this.#gradients.set(operand.id, contribution(this.gradientOf(operand)))
    }
  }
}

/** A gradient may be shared or stand elsewhere; as an output it needs a value of its own. */
function asOutputs(builder: GraphBuilder, tape: Tape, wrt: readonly Value[]): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const parameter of wrt) {
    const gradient = tape.gradientOf(parameter)
    if (!gradient) throw new GraphError(`no loss depends on ${parameter.name}`)
    const producer = builder.producerOf(gradient)
    const isOwn = producer !== undefined && splitRegion(producer.region).phase === 'backward'
    const region = producer?.region ?? regionOfPhase('gradients', 'backward')
    const output =
      isOwn && !names.has(gradient.id)
        ? gradient
        : builder.inRegion(region, () => builder.add('tie', [gradient], {}))[0]
    names.set(output.id, gradientOutputName(parameter.name))
    builder.output(output)
  }
  return names
}

/**
 * Adds the gradient of the sum of all elements of all `losses` with respect to each of `wrt`, as further outputs
 * named 'grad.<name>'. Nodes of the backward pass stand in region '<forward region>.backward'. Values that are not on a
 * path from `wrt` to a loss get no gradient. Throws GraphError where no derivative exists or no path leads.
 */
export function differentiate(graph: Graph, losses: readonly Value[], wrt: readonly Value[]): Graph {
  const builder = GraphBuilder.extending(graph)
  const tape = new Tape(builder, activeValues(graph, losses, wrt))
  const backwardRegion = (node: OpNode): string => regionOfPhase(splitRegion(node.region).base, 'backward')
  for (const loss of losses) {
    const producer = builder.producerOf(loss)
    if (!producer) throw new GraphError(`the loss ${loss.name} is not computed`)
    tape.seed(loss, backwardRegion(producer))
  }
  for (const node of graph.nodes.toReversed())
    builder.inRegion(backwardRegion(node), () => tape.pullBack(node))
  const names = asOutputs(builder, tape, wrt)
  return renameValues(builder.build(), names)
}
