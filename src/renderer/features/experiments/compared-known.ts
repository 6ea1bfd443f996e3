// What was read of the compared runs, run by run. It is shown until it was read again; what changed after it was asked for is
// wanted anew, however late the answer comes. Pure.
import type { CallInput, OverlayCurve } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { RunFacts } from './run-facts.ts'

export type CurveAxis = CallInput<'experiments.curves'>['axis'] & string

/** When a run changed, counted in changes. */
function countChanges() {
  let now = 0
  let allAt = 0
  const changedAt = new Map<string, number>()
  return {
    now: (): number => now,
    /** null where it may be any. */
    change(runId: string | null): void {
      now += 1
      if (runId === null) allAt = now
      else changedAt.set(runId, now)
    },
    lastOf: (runId: string): number => Math.max(allAt, changedAt.get(runId) ?? 0),
  }
}
type Changes = ReturnType<typeof countChanges>

function keepByRun<T>(changes: Changes) {
  const kept = new Map<string, { readonly value: T; readonly askedAt: number }>()
  return {
    of: (runId: string): T | undefined => kept.get(runId)?.value,
    /** Runs that nothing is known of, or not enough, or not any more. */
    wantedOf: (runIds: readonly string[], isEnough: (value: T) => boolean = () => true): string[] =>
      runIds.filter((runId) => {
        const one = kept.get(runId)
        return one === undefined || one.askedAt < changes.lastOf(runId) || !isEnough(one.value)
      }),
    /** `askedAt`: the count of changes when it was asked for. An answer that was overtaken is nothing. */
    keep(runId: string, value: T, askedAt: number): void {
      if ((kept.get(runId)?.askedAt ?? 0) <= askedAt) kept.set(runId, { value, askedAt })
    },
    forget: (runId: string): boolean => kept.delete(runId),
  }
}
export type KeptByRun<T> = ReturnType<typeof keepByRun<T>>

/** A curve with so many points as were asked for. */
export interface KnownCurve {
  readonly curve: OverlayCurve
  readonly points: number
}

/** Over another axis curves come for a while before they are drawn: those over the axis before stand until then. */
export function openKnown(firstAxis: CurveAxis) {
  const changes = countChanges()
  const curves = new Map<CurveAxis, KeptByRun<KnownCurve>>()
  let drawnAxis = firstAxis
  const curvesOver = (axis: CurveAxis): KeptByRun<KnownCurve> => {
    const found = curves.get(axis) ?? keepByRun<KnownCurve>(changes)
    curves.set(axis, found)
    return found
  }
  return {
    changes,
    rows: keepByRun<ExperimentRow>(changes),
    facts: keepByRun<RunFacts>(changes),
    curvesOver,
    drawnAxis: (): CurveAxis => drawnAxis,
    /** All curves over this axis are there. */
    drawOver(axis: CurveAxis): void {
      drawnAxis = axis
      for (const other of curves.keys()) if (other !== axis) curves.delete(other)
    },
  }
}
export type Known = ReturnType<typeof openKnown>
