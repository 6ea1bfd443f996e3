// How a ticked run is told from the others, in the table, in the chart and beside it: by a letter, and as long as they can
// be told apart by a colour and dashes. Pure.
import type { LineLook } from '../../components/line-chart-view.ts'

export interface RunMark {
  readonly letter: string
  /** Classes of a box with the letter in it. */
  readonly box: string
  /** null among so many that colours and dashes would tell nothing: a line is then named when it is pointed at. */
  readonly look: LineLook | null
}
export type MarkOf = (runId: string) => RunMark | null

const colours = [
  { box: 'bg-subject-tuned text-on-accent', colour: '--c-subject-tuned' },
  { box: 'bg-subject-few-shot text-on-few-shot', colour: '--c-subject-few-shot' },
  { box: 'bg-subject-retrieval text-on-few-shot', colour: '--c-subject-retrieval' },
  { box: 'bg-run-rose text-on-few-shot', colour: '--c-run-rose' },
  { box: 'bg-run-violet text-on-few-shot', colour: '--c-run-violet' },
  { box: 'bg-run-teal text-on-few-shot', colour: '--c-run-teal' },
] as const
const dashes = ['solid', 'dashed', 'dotted'] as const
const plainBox = 'bg-hover text-ink ring-1 ring-line-strong'

/** So many are drawn with both lines each and told in full; of more there is a line each, and a list. */
export const mostInFull = colours.length
/** So many lines differ in colour or dashes. */
export const mostLooks = colours.length * dashes.length

/** A to Z, then AA, AB and so on. */
export function letterAt(index: number): string {
  const before = index < 26 ? '' : letterAt(Math.floor(index / 26) - 1)
  return before + String.fromCharCode(65 + (index % 26))
}

function markAt(index: number, count: number): RunMark {
  const letter = letterAt(index)
  if (count > mostLooks) return { letter, box: plainBox, look: null }
  const turn = Math.floor(index / colours.length)
  const { box, colour } = colours[index % colours.length]!
  // Each time round the colours every one of them has the next dashes.
  const dash = dashes[(index + turn) % dashes.length]!
  return { letter, box, look: { colour, dash } }
}

/** Of runs in the order in which they were ticked; null for one that is not among them. */
export function marksOf(ticked: readonly string[]): MarkOf {
  const places = new Map(ticked.map((runId, at) => [runId, at]))
  return (runId) => {
    const at = places.get(runId)
    return at === undefined ? null : markAt(at, ticked.length)
  }
}
