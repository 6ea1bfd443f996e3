// Where the nodes of a lineage stand: what came first on the left, each column one step later. Pure.
import type { LineageEdge, LineageNode } from '#shared/contract/results.ts'
import { nameForeign } from '../../foreign-text.ts'
import { linesNeeded } from './lines-needed.ts'

export interface PlacedNode {
  readonly node: LineageNode
  readonly x: number
  readonly y: number
  /** A name that is long takes several lines: nothing of it is cut. */
  readonly height: number
}
export interface PlacedEdge {
  readonly edge: LineageEdge
  /** An SVG path from the earlier node to the later one. */
  readonly path: string
  /** It passes several columns, below all boxes. */
  readonly isLong: boolean
  /** Where its word stands: on the line. */
  readonly x: number
  readonly y: number
}

/** Pixels; three columns fit in the usual window, and the height is that of a box whose texts have a line each. */
export const nodeSize = { width: 236, height: 68 }
/** Small letters of a name, and of the smaller line below it, that surely have room side by side. */
const lettersInLine = { name: 23, detail: 29 }
const linePixels = { name: 20, detail: 18 }
/** Of a name this much is shown. */
export const longestName = 200
/** Between two columns the longest word on a line has its place. */
const gap = { x: 124, y: 24 }
/** From one word to the next below it. */
const wordHeight = 19
/** Room below all boxes for lines that pass several columns. */
const detour = 36

/** An export is later than its run; all else is earlier than what says that it came from it. */
const orderOf = ({ from, to, kind }: LineageEdge): { readonly earlier: string; readonly later: string } =>
  kind === 'exported-as' ? { earlier: from, later: to } : { earlier: to, later: from }

export function placeLineage(
  nodes: readonly LineageNode[],
  edges: readonly LineageEdge[],
): { nodes: PlacedNode[]; edges: PlacedEdge[]; width: number; height: number } {
  const columns = columnsOf(nodes, edges)
  /** Pixels of each column that have boxes. */
  const filled = new Map<number, number>()
  const placed = nodes
    .toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))
    .map((node): PlacedNode => {
      const column = columns.get(node.id) ?? 0
      const y = filled.get(column) ?? 0
      const height = heightOf(node)
      filled.set(column, y + height + gap.y)
      return { node, x: column * (nodeSize.width + gap.x), y, height }
    })
    .toSorted((a, b) => a.x - b.x || a.y - b.y)
  const at = new Map(placed.map((one) => [one.node.id, one]))
  const words = apart(linesOf(withoutImplied(edges), at))
  const isDetoured = words.some(({ isLong }) => isLong)
  return {
    nodes: placed,
    edges: words,
    width: Math.max(...placed.map(({ x }) => x)) + nodeSize.width,
    height: Math.max(lowestOf(placed) + (isDetoured ? detour : 0), ...words.map(({ y }) => y + wordHeight)),
  }
}

function heightOf({ name, detail }: LineageNode): number {
  const shown = nameForeign(name, longestName)
  return (
    nodeSize.height +
    (linesNeeded(shown, lettersInLine.name) - 1) * linePixels.name +
    (linesNeeded(detail, lettersInLine.detail) - 1) * linePixels.detail
  )
}

const lowestOf = (placed: Iterable<PlacedNode>): number =>
  Math.max(0, ...[...placed].map(({ y, height }) => y + height))

/** Each node one column behind the latest that it came from. A circle, which no journal has, ends after as many turns as nodes. */
function columnsOf(
  nodes: readonly LineageNode[],
  edges: readonly LineageEdge[],
): ReadonlyMap<string, number> {
  const columns = new Map(nodes.map(({ id }) => [id, 0]))
  for (let turn = 0; turn < nodes.length; turn++) {
    let isMoved = false
    for (const edge of edges) {
      const { earlier, later } = orderOf(edge)
      const least = (columns.get(earlier) ?? 0) + 1
      if (least >= nodes.length || (columns.get(later) ?? 0) >= least) continue
      columns.set(later, least)
      isMoved = true
    }
    if (!isMoved) break
  }
  return columns
}

const fromAnotherRun: ReadonlySet<LineageEdge['kind']> = new Set(['retried-from', 'repeats'])
const ofRows: ReadonlySet<LineageEdge['kind']> = new Set(['trained-on', 'read-first'])

/** Rows of a run that another one was tried again from are seen there: a line to each of them would cross all others. */
function withoutImplied(edges: readonly LineageEdge[]): readonly LineageEdge[] {
  const parents = new Map<string, string[]>()
  for (const { from, to, kind } of edges)
    if (fromAnotherRun.has(kind)) parents.set(from, [...(parents.get(from) ?? []), to])
  return edges.filter(
    ({ from, to, kind }) =>
      !ofRows.has(kind) ||
      !edges.some(
        (other) => other.to === to && other.kind === kind && parents.get(from)?.includes(other.from),
      ),
  )
}

/** A line before its word has its place: a cubic Bézier curve, and how far along it the word stands. */
interface Line {
  readonly edge: LineageEdge
  readonly isLong: boolean
  readonly xs: Four
  readonly ys: Four
  readonly share: number
}
type Four = readonly [number, number, number, number]

/** Words that would lie on each other move down, in the order in which they stand, and each line with its word. */
function apart(lines: readonly Line[]): PlacedEdge[] {
  const below = new Map<number, number>()
  return lines
    .map((line) => ({ line, x: pointAt(line.xs, line.share), onLine: pointAt(line.ys, line.share) }))
    .toSorted((a, b) => a.onLine - b.onLine)
    .map(({ line, x, onLine }) => {
      const column = Math.round(x)
      const y = Math.max(onLine, below.get(column) ?? Number.NEGATIVE_INFINITY)
      below.set(column, y + wordHeight)
      return { edge: line.edge, isLong: line.isLong, path: pathOf(line, y - onLine), x, y }
    })
}

/** Ends where it did; at its word it is lower by so much. */
function pathOf({ xs, ys, share }: Line, lower: number): string {
  const bend = lower / (3 * share * (1 - share))
  const [start, first, second, end] = ys
  return `M${xs[0]},${start} C${xs[1]},${first + bend} ${xs[2]},${second + bend} ${xs[3]},${end}`
}

/** Lines that end at one box come in below each other, in the order of where they begin. */
function linesOf(edges: readonly LineageEdge[], at: ReadonlyMap<string, PlacedNode>): Line[] {
  const pairs = edges.flatMap((edge) => {
    const { earlier, later } = orderOf(edge)
    const [from, to] = [at.get(earlier), at.get(later)]
    return from && to ? [{ edge, from, to }] : []
  })
  const below = lowestOf(at.values()) + detour
  return pairs.map(({ edge, from, to }) => {
    const beside = pairs
      .filter((other) => other.to === to)
      .toSorted((a, b) => b.from.x - a.from.x || a.from.y - b.from.y)
    const part = (beside.findIndex((other) => other.edge === edge) + 1) / (beside.length + 1)
    const start = { x: from.x + nodeSize.width, y: from.y + from.height / 2 }
    const end = { x: to.x, y: to.y + part * to.height }
    // Past the boxes between them, not through them.
    const isLong = end.x - start.x > gap.x
    const bend = gap.x / 2
    const xs = [start.x, start.x + bend, end.x - bend, end.x] as const
    const ys = [start.y, isLong ? below : start.y, isLong ? below : end.y, end.y] as const
    // Between the two columns, and of a long line before its last box, where lines to it have come apart.
    return { edge, isLong, xs, ys, share: shareAt(xs, end.x - bend) }
  })
}

function pointAt([a, b, c, d]: Four, share: number): number {
  const rest = 1 - share
  return rest ** 3 * a + 3 * rest ** 2 * share * b + 3 * rest * share ** 2 * c + share ** 3 * d
}

/** How far along a curve that runs from left to right a place is, by halving; never at its ends. */
function shareAt(xs: Four, x: number): number {
  let [low, high] = [0, 1]
  for (let turn = 0; turn < 20; turn++) {
    const middle = (low + high) / 2
    if (pointAt(xs, middle) < x) low = middle
    else high = middle
  }
  return Math.min(0.95, Math.max(0.05, (low + high) / 2))
}
