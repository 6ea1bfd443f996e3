// What a chart of lines shows, and where its lines are: which one ends above the others, which one is pointed at. Pure.

/** How a line is told from several others: a colour of theme.css by name, and its dashes. */
export interface LineLook {
  readonly colour: string
  readonly dash: 'solid' | 'dashed' | 'dotted'
}

export interface ChartLine {
  /** What a person points at with it; lines without one cannot be pointed at. */
  readonly id?: string
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** The main line is thick, in the accent colour and has its points marked. */
  readonly isMain: boolean
  /** Of several runs in one chart; without it the main line has the accent colour and the others are grey. */
  readonly look?: LineLook
  /** What the line is called in the drawing, at its end: its name unless told, nothing where it is empty. */
  readonly label?: string
  /** The label is the letter of a run among several: in a box of the line's colour, and never on another letter. */
  readonly isLetter?: boolean
  /** One of very many, thin and grey without a label. */
  readonly isFaint?: boolean
  /** The one among many that a person points at: stronger than all others. */
  readonly isPicked?: boolean
}

export interface ChartView {
  readonly lines: readonly ChartLine[]
  /** Where a mark stands, and what it says. */
  readonly mark: { readonly x: number; readonly text: string } | null
  /** Where other rows begin: a line across the plot, with its words above those of the mark. */
  readonly border?: { readonly x: number; readonly text: string } | null
  /** A stretch that is tinted as a warning. */
  readonly band?: { readonly from: number; readonly to: number } | null
  readonly xTitle: string
  /** Where the axis ends, so that it stands still while points come. */
  readonly lastX: number
}

const lastY = (points: ChartLine['points']): number => points.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY

/** Whether a line ends above all others: its label then stands above its end, those of the others below theirs. */
export const isUpmost = (points: ChartLine['points'], lines: readonly ChartLine[]): boolean =>
  lines.every((other) => other.points === points || lastY(other.points) < lastY(points))

/** Whether a line comes to a border from before it, or is near it. */
export function endsAtBorder(points: ChartLine['points'], borderX: number): boolean {
  const firstX = points[0]?.[0] ?? borderX
  const lastX = points.at(-1)?.[0] ?? borderX
  return firstX < borderX && lastX <= borderX && lastX > (2 / 3) * borderX
}

type Point = ChartLine['points'][number]
export type Pixel = readonly [x: number, y: number]
export type ToPixel = (point: Point) => Pixel

/** How far a line passes below or above a place, in pixels; from its nearer end where it does not come so far. */
function distanceTo(points: ChartLine['points'], [x, y]: Pixel, toPixel: ToPixel): number {
  const behind = firstFrom(points.length, (at) => toPixel(points[at] as Point)[0] >= x)
  const [low, high] = [points[behind - 1], points[behind]]
  if (low === undefined || high === undefined) {
    const [px, py] = toPixel((high ?? low) as Point)
    return Math.hypot(px - x, py - y)
  }
  const [[lowX, lowY], [highX, highY]] = [toPixel(low), toPixel(high)]
  const share = (x - lowX) / Math.max(1e-9, highX - lowX)
  return Math.abs(lowY + share * (highY - lowY) - y)
}

/** The first place of which it is so, as of all behind it; `count` where of none. Ten thousand lines are asked each move. */
function firstFrom(count: number, isSo: (at: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isSo(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Which line a person points at, whose points go to the right: the nearest within `reach` pixels; null where there is none. */
export function nearestLine(
  lines: readonly ChartLine[],
  place: Pixel,
  toPixel: ToPixel,
  reach = 14,
): string | null {
  let found: { readonly id: string; readonly distance: number } | null = null
  for (const { id, points } of lines) {
    if (id === undefined || points.length === 0) continue
    const distance = distanceTo(points, place, toPixel)
    if (distance <= reach && (found === null || distance < found.distance)) found = { id, distance }
  }
  return found?.id ?? null
}

/** The line that mark, border and band are drawn with. */
export const markedLine = (lines: readonly ChartLine[]): ChartLine | undefined =>
  lines.find(({ isMain }) => isMain) ?? lines[0]

/** A line of one point is nothing without it. */
export const hasPoints = ({ isMain, points }: ChartLine): boolean => isMain || points.length === 1
