// Which nodes of a lowered graph a graphics card left to the processor, by the log of ONNX Runtime, and which of them have no
// business there. Pure: a log and a graph in, names out.
import type { LoweredGraph } from '#backends/onnx/lower.ts'
import { type ElementType, elementTypes, type OnnxNode } from '#backends/onnx/model-proto.ts'

/**
 * Operators that may be on the processor where they read whole numbers: sizes, bounds of blocks, places and targets of labels,
 * rows picked of a table's codes (docs/backends.md).
 */
const ofWholeNumbers = new Set(
  'Shape Concat Add Sub Mul Div Min Max Less Squeeze Unsqueeze Reshape Cast Gather'.split(' '),
)

const truths = new Set('Equal Less Greater And Or Not'.split(' '))
const namesOfTypes = new Map<number, string>(
  Object.entries(elementTypes).map(([name, value]) => [value, name]),
)

/** The type of what a node makes, by the operators that the portable dialect has. */
function resultType(node: OnnxNode, types: ReadonlyMap<string, ElementType>): ElementType | undefined {
  const { operator, inputs, attributes } = node
  if (operator === 'Shape') return 'int64'
  if (truths.has(operator)) return 'bool'
  if (operator === 'Cast' && attributes.to?.kind === 'int')
    return namesOfTypes.get(attributes.to.value) as ElementType | undefined
  return types.get(inputs[operator === 'Where' || operator === 'DequantizeLinear' ? 1 : 0] ?? '')
}

/** Of every value, by name. What cannot be known is not there. */
export function typesOf(lowered: LoweredGraph): ReadonlyMap<string, ElementType> {
  const given = [...lowered.constants, ...lowered.externals].map(([name, { elementType }]) => ({
    name,
    elementType,
  }))
  const types = new Map([...lowered.inputs, ...given].map(({ name, elementType }) => [name, elementType]))
  for (const node of lowered.nodes) {
    const type = resultType(node, types)
    if (type !== undefined) for (const name of node.outputs) types.set(name, type)
  }
  return types
}

const whole = new Set<ElementType | undefined>(['int64', 'int32', 'int8', 'uint8', 'uint4', 'bool'])

/** Names of the nodes that read whole numbers only, as the runtime's log has them. */
export function wholeNodes(lowered: LoweredGraph): readonly string[] {
  const types = typesOf(lowered)
  return lowered.nodes
    .filter(({ inputs }) => inputs.every((name) => name === '' || whole.has(types.get(name))))
    .map(({ outputs }) => outputs[0]!)
}

interface Placed {
  readonly operator: string
  readonly name: string
}

interface Placements {
  readonly processor: Placed[]
  readonly card: Placed[]
}

/**
 * From the log of making one session, with all that the runtime tells: a head for each provider with the number of its
 * nodes, and a line for each node. Where one provider has all there are no such lines. Throws where lines are missing.
 */
function placedNodes(log: string): Placements {
  const placed: Placements = { processor: [], card: [] }
  let current = placed.card
  let told = 0
  for (const line of log.split('\n')) {
    const head = /(All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(line)
    if (head) {
      const count = Number(head[3])
      current = head[2]!.startsWith('CPU') ? placed.processor : placed.card
      told += count
      if (head[1] === 'All nodes') current.push(...Array(count).fill({ operator: 'any', name: '' }))
    }
    const node = /VerifyEachNodeIsAssignedToAnEp\] {3}(\w+) \((.*)\)$/.exec(line)
    if (node) current.push({ operator: node[1]!, name: node[2]! })
  }
  const seen = placed.processor.length + placed.card.length
  if (seen !== told || seen === 0)
    throw new Error(`The runtime's log names ${seen} nodes and says that there are ${told}.`)
  return placed
}

/**
 * What is where it should not be, in words: on the processor what reads other than whole numbers or is no operator of the
 * list, copies that come back from the card before the results, and a card with nothing on it.
 */
export function straysOf(log: string, wholeNames: readonly string[]): readonly string[] {
  const { processor, card } = placedNodes(log)
  if (card.length === 0) return ['every node is on the processor']
  const harmless = new Set(wholeNames)
  const strays = processor.filter(
    ({ operator, name }) => !ofWholeNumbers.has(operator) || !harmless.has(name),
  )
  const back = card.filter(({ operator }) => operator === 'MemcpyToHost')
  return [...strays, ...back].map(({ operator, name }) => `${operator} (${name})`)
}
