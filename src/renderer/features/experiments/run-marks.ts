// How a ticked run is told from the others, in the table, in the chart and beside it: by a letter, a colour and dashes.
import type { LineLook } from '../../components/line-chart.ts'

export interface RunMark {
  readonly letter: string
  /** Classes of a box with the letter in it. */
  readonly box: string
  readonly look: LineLook
}

const mark = (letter: string, box: string, colour: string, dash: LineLook['dash']): RunMark => ({
  letter,
  box,
  look: { colour, dash },
})

const marks: readonly RunMark[] = [
  mark('A', 'bg-subject-tuned text-on-accent', '--c-subject-tuned', 'solid'),
  mark('B', 'bg-subject-few-shot text-on-few-shot', '--c-subject-few-shot', 'dashed'),
  mark('C', 'bg-subject-retrieval text-on-few-shot', '--c-subject-retrieval', 'dotted'),
  mark('D', 'bg-run-rose text-on-few-shot', '--c-run-rose', 'solid'),
  mark('E', 'bg-run-violet text-on-few-shot', '--c-run-violet', 'dashed'),
  mark('F', 'bg-run-teal text-on-few-shot', '--c-run-teal', 'dotted'),
]

/** So many are compared at once: more lines in one chart nobody can follow. */
export const mostCompared = marks.length

/** null for a run that is not ticked, and for ticked ones beyond those that are compared. */
export const markOf = (ticked: readonly string[], runId: string): RunMark | null =>
  marks[ticked.indexOf(runId)] ?? null
