// Gradient checkpointing (Chen et al. 2016), block by block: a block keeps only its input; what its backward pass
// needs is computed again when the gradient arrives.
import { GraphBuilder } from '../ir/graph-builder.ts'
import { regionOfPhase, splitRegion } from '../ir/region.ts'
import { operandsOf, producersOf, replaceOperands, rewire } from '../ir/rewrite.ts'
import type { Graph, OpKind, OpNode, OpTable, Value } from '../ir/types.ts'
import { groupNodes } from './node-groups.ts'

const blockName = /^layer\.\d+$/

interface Block {
  readonly base: string
  readonly forward: ReadonlySet<OpNode>
  readonly backward: ReadonlySet<OpNode>
}

function findBlocks(graph: Graph): readonly Block[] {
  const groups = groupNodes(graph, (node) => node.region)
  return [...groups]
    .filter(([region]) => blockName.test(region))
    .map(([base, forward]) => ({
      base,
      forward,
      backward: groups.get(regionOfPhase(base, 'backward')) ?? new Set(),
    }))
}

type Producers = ReadonlyMap<number, OpNode>

/** Forward nodes of the block that its backward pass needs, directly or not, in the block's order. */
function nodesToRepeat(block: Block, producers: Producers): readonly OpNode[] {
  const needed = new Set<OpNode>()
  const visit = (value: Value): void => {
    const producer = producers.get(value.id)
    if (!producer || !block.forward.has(producer) || needed.has(producer)) return
    needed.add(producer)
    for (const operand of operandsOf(producer)) visit(operand)
  }
  for (const node of block.backward) for (const value of operandsOf(node)) visit(value)
  return [...block.forward].filter((node) => needed.has(node))
}

/** Values from other blocks' forward or backward pass that these nodes use. */
function valuesFrom(
  phase: 'forward' | 'backward',
  nodes: Iterable<OpNode>,
  block: Block,
  producers: Producers,
): readonly Value[] {
  const found = new Map<number, Value>()
  for (const node of nodes)
    for (const value of operandsOf(node)) {
      const producer = producers.get(value.id)
      if (!producer) continue
      const region = splitRegion(producer.region)
      if (region.base !== block.base && region.phase === phase) found.set(value.id, value)
    }
  return [...found.values()]
}

/** Adds the block's second forward pass; returns what its backward pass uses instead, by value id. */
function repeatBlock(builder: GraphBuilder, block: Block, producers: Producers): ReadonlyMap<number, Value> {
  const again = new Map<number, Value>()
  const repeated = nodesToRepeat(block, producers)
  const arriving = valuesFrom('backward', block.backward, block, producers)
  if (repeated.length === 0 || arriving.length === 0) return again
  for (const value of valuesFrom('forward', [...repeated, ...block.backward], block, producers)) {
    // The tie is the barrier: the second pass can neither be merged with the first nor start before its time.
    const [tie] = builder.add('tie', [value, ...arriving], {}, `${value.name}.kept`)
    again.set(value.id, tie)
  }
  for (const node of repeated) {
    const moved = replaceOperands(node, (value) => again.get(value.id))
    const outputs: readonly Value[] = builder.add(
      moved.kind,
      moved.inputs as OpTable[OpKind]['inputs'],
      moved.attributes as OpTable[OpKind]['attributes'],
      ...(node.outputs as readonly Value[]).map((value) => `${value.name}.again`),
    )
    for (const [index, value] of (node.outputs as readonly Value[]).entries()) {
      const copy = outputs[index]
      if (copy) again.set(value.id, copy)
    }
  }
  return again
}

/** Every block 'layer.N' with a backward pass keeps its input only, and is computed again from it. */
export function checkpointRegions(graph: Graph): Graph {
  const builder = GraphBuilder.extending(graph)
  const producers = producersOf(graph.nodes)
  const replacements = new Map<OpNode, ReadonlyMap<number, Value>>()
  for (const block of findBlocks(graph)) {
    const again = builder.inRegion(regionOfPhase(block.base, 'recompute'), () =>
      repeatBlock(builder, block, producers),
    )
    for (const node of block.backward) replacements.set(node, again)
  }
  return rewire(builder.build(), (node, value) => replacements.get(node)?.get(value.id))
}
