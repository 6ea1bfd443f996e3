// Curves of several runs for one chart, from the journal: as many at once as are read in a moment.
import type { JournalReader } from '#journal/reader.ts'
import type { OverlayCurve } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { type CurveAxis, placeCurve, type Wait } from './curve-axes.ts'
import { runLabels } from './run-labels.ts'

export type CurvesReader = Pick<JournalReader, 'getRun' | 'runNumbers' | 'thinCurve' | 'eventsOfKind'>

export interface OverlayQuestion {
  readonly axis: CurveAxis
  /** Points of each training curve. */
  readonly points: number
}

/** Reading a step takes about 14 µs, its hash included: so many are less than a fifth of a second. */
const stepsAtOnce = 10_000
/** What a run costs besides its steps, counted in steps. */
const stepsOfRun = 20
/** A run waits for space on a disk, or for a person; so often that nobody follows it any more. */
const mostWaits = 1000

/** Of the first of these runs, at least one. Throws a ProblemError of the journal. */
export function readOverlayCurves(
  reader: CurvesReader,
  runIds: readonly string[],
  { axis, points }: OverlayQuestion,
): OverlayCurve[] {
  const runs = firstRuns(reader, runIds)
  const labelOf = runLabels(
    reader,
    runs.map(({ id }) => id),
  )
  return runs.map((run): OverlayCurve => {
    const curve = unwrap(reader.thinCurve(run.id, points))
    const waits = axis === 'time' ? waitsOf(reader, run.id) : []
    return { runId: run.id, name: labelOf(run), ...placeCurve(curve, axis, waits) }
  })
}

function firstRuns(reader: CurvesReader, runIds: readonly string[]) {
  const runs: { readonly id: string; readonly name: string }[] = []
  let left = stepsAtOnce
  for (const runId of runIds) {
    const { id, name, lastStep } = unwrap(reader.getRun(runId))
    left -= stepsOfRun + (lastStep ?? 0)
    if (left < 0 && runs.length > 0) break
    runs.push({ id, name })
  }
  return runs
}

/** Between a "paused" event and the "resumed" one after it; one that an attempt ended in waits within none. */
function waitsOf(reader: CurvesReader, runId: string): Wait[] {
  const of = (kind: string) => unwrap(reader.eventsOfKind(runId, kind, mostWaits))
  const resumed = of('resumed')
  return of('paused').flatMap(({ seq, attempt: during, atMs }) => {
    const end = resumed.find((event) => event.seq > seq && event.attempt === during)
    return end === undefined ? [] : [{ fromMs: atMs, toMs: end.atMs }]
  })
}
