// Reads what ONNX Runtime writes when it profiles a session: the nodes of one run, how long each took, on what shapes.

interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly ts: number
  readonly dur: number
  readonly args?: {
    readonly op_name?: string
    readonly input_type_shape?: readonly Shape[]
    readonly output_type_shape?: readonly Shape[]
  }
}

/** Of one tensor, by its type's name. */
type Shape = Readonly<Record<string, readonly number[]>>

export interface ProfiledNode {
  readonly operator: string
  readonly ms: number
  /** "[4,8] [8,2] -> [4,2]" */
  readonly shapes: string
  /** Of a matrix product 2mkn / 10^9, of anything else 0. */
  readonly gflops: number
}

export interface NodeGroup {
  readonly first: ProfiledNode
  readonly count: number
  readonly ms: number
  readonly gflops: number
}

/** Matrix products; inside the loops of attention they have names of their own in the profile. */
export const products = new Set(['MatMul', 'FusedMatMul', 'Gemm', 'MatMulBnb4', 'MatMulNBits'])

/** What loops run in their bodies is in it, the loops themselves are not. */
export function nodesOfFastestRun(json: string): readonly ProfiledNode[] {
  const events = JSON.parse(json) as readonly ProfileEvent[]
  const [fastest] = events.filter(({ name }) => name === 'model_run').sort((a, b) => a.dur - b.dur)
  if (!fastest) return []
  return events.flatMap(({ cat, name, ts, dur, args }) => {
    const operator = args?.op_name
    const isNode = cat === 'Node' && name.endsWith('_kernel_time') && operator !== 'Loop'
    if (!isNode || operator === undefined || ts < fastest.ts || ts > fastest.ts + fastest.dur) return []
    const [inputs, outputs] = [shapesOf(args?.input_type_shape), shapesOf(args?.output_type_shape)]
    const shapes = `${inputs.map(word).join(' ')} -> ${outputs.map(word).join(' ')}`
    return [{ operator, ms: dur / 1000, shapes, gflops: gflopsOf(operator, inputs[0], outputs[0]) }]
  })
}

/** The longest first. */
export function groupBy(
  nodes: readonly ProfiledNode[],
  keyOf: (node: ProfiledNode) => string,
): readonly NodeGroup[] {
  const groups = new Map<string, NodeGroup>()
  for (const node of nodes) {
    const key = keyOf(node)
    const known = groups.get(key) ?? { first: node, count: 0, ms: 0, gflops: 0 }
    groups.set(key, {
      ...known,
      count: known.count + 1,
      ms: known.ms + node.ms,
      gflops: known.gflops + node.gflops,
    })
  }
  return [...groups.values()].sort((a, b) => b.ms - a.ms)
}

const shapesOf = (shapes: readonly Shape[] = []): readonly (readonly number[])[] =>
  shapes.map((shape) => Object.values(shape)[0] ?? [])

const word = (shape: readonly number[]): string => `[${shape.join()}]`

/** The inner size is what the first operand has beyond the rows of the result. */
function gflopsOf(operator: string, a: readonly number[] = [], result: readonly number[] = []): number {
  if (!products.has(operator) || a.length < 2 || result.length < 2) return 0
  const size = (shape: readonly number[]): number => shape.reduce((product, each) => product * each, 1)
  const inner = size(a) / (size(result) / result.at(-1)!)
  return (2 * size(result) * inner) / 1e9
}
