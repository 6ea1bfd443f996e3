// Of the nodes that were emitted, those that a part of the graph runs, with the graph's order as edges without data. Pure.
import type { EmittedNode, Emitter } from './emitter.ts'
import type { TfNode } from './graph-def.ts'
import type { Tensor } from './tensor.ts'

/** What is run at once. */
export interface GraphPart {
  /** Public names of what is fed, and the nodes that take it. */
  readonly feeds: ReadonlyMap<string, string>
  /** The tensors that are asked for. */
  readonly fetches: readonly string[]
}

/** Parts share constants and variables only: the order in one says nothing about another. */
export class GraphParts {
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
