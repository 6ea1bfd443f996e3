// The ticked runs that are compared: their rows, settings, figures and curves. Many come in parts, and what is there is
// shown meanwhile with how much that is; one that was ticked or changed is read alone.
import { nextTick, onScopeDispose, shallowRef, watch } from 'vue'
import { curvePoints } from '#shared/contract/comparison.ts'
import type { OverlayCurve } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { type CurveAxis, openKnown } from './compared-known.ts'
import { ofJournal } from './experiment-view.ts'
import { type ComparedFacts, factsOf, joinFacts } from './run-facts.ts'

/** A run that learns changes all the time; so often it is read anew. */
const liveMs = 1000
/** Parts come fast; so often what is there is drawn. */
const drawMs = 500
/** Rows, figures or curves that are asked for at once; the core answers about as many as it can in a moment. */
const askedAtOnce = 200
/** About so many points are drawn together, so that a chart of a thousand curves stays quick; of more each has the least. */
const pointsTogether = 40_000
/** In few steps: else one run less would make all curves finer by a point, and they would be read again for it. */
const pointsOfCurve = [curvePoints.most, 200, 100]

export interface Comparison extends ComparedFacts {
  readonly rows: readonly ExperimentRow[]
  readonly curves: readonly OverlayCurve[]
  /** What the curves are over. */
  readonly axis: CurveAxis
  /** Of how many of the rows everything is there, curves over the axis that was asked for too. */
  readonly read: number
}

export interface ComparedQuestion {
  readonly ticked: readonly string[]
  readonly axis: CurveAxis
  /** An opened foreign journal; empty for one's own. */
  readonly journal: string
}

const pointsFor = (runs: number): number =>
  pointsOfCurve.find((points) => points * runs <= pointsTogether) ?? curvePoints.least

export function useComparedRuns(
  question: () => ComparedQuestion,
  forget: (runIds: readonly string[]) => void,
) {
  const comparison = shallowRef<Comparison | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let known = openKnown(question().axis)
  let generation = 0
  let isReading = false
  let hasChanged = false
  let drawnAtMs = 0
  /** A page of very many is busy for so long with what is drawn; nothing is drawn more often. */
  let drawingMs = 0

  function draw(): void {
    const { ticked, axis } = question()
    const rows = ticked.flatMap((runId) => known.rows.of(runId) ?? [])
    const [drawn, asked] = [known.curvesOver(known.drawnAxis()), known.curvesOver(axis)]
    const isWhole = (runId: string): boolean => Boolean(known.facts.of(runId) && asked.of(runId))
    const deciding = new Set(rows.flatMap(({ proof }) => proof?.metric ?? []))
    const begunMs = performance.now()
    comparison.value = {
      rows,
      curves: rows.flatMap(({ id }) => drawn.of(id)?.curve ?? []),
      axis: known.drawnAxis(),
      read: rows.filter(({ id }) => isWhole(id)).length,
      ...joinFacts(
        rows.map(({ id }) => known.facts.of(id) ?? null),
        deciding,
      ),
    }
    drawnAtMs = performance.now()
    void nextTick().then(() => {
      drawnAtMs = performance.now()
      drawingMs = drawnAtMs - begunMs
    })
  }
  const isDrawingDue = (): boolean => performance.now() - drawnAtMs > Math.max(drawMs, drawingMs)

  /** False where the answer is a refusal, or another question came meanwhile. */
  async function readRows(runIds: readonly string[], isLate: () => boolean): Promise<boolean> {
    const gone: string[] = []
    const into = known
    const { journal } = question()
    for (let at = 0; at < runIds.length; at += askedAtOnce) {
      const part = runIds.slice(at, at + askedAtOnce)
      const askedAt = into.changes.now()
      const asked = { runIds: part, limit: askedAtOnce, ...ofJournal(journal) }
      const found = await api.call('experiments.list', asked)
      if (found.ok) for (const row of found.value.rows) into.rows.keep(row.id, row, askedAt)
      if (isLate()) return false
      if (!found.ok) {
        problem.value = found.problem
        return false
      }
      const there = new Set(found.value.rows.map(({ id }) => id))
      gone.push(...part.filter((runId) => !there.has(runId)))
    }
    // An address may name runs that were removed since.
    for (const runId of gone) into.rows.forget(runId)
    if (gone.length > 0) forget(gone)
    return gone.length === 0
  }

  /** Asks for the first of what is left until nothing is; `ask` gives of how many of them the answer was. */
  async function readParts(
    runIds: readonly string[],
    isLate: () => boolean,
    ask: (left: string[], askedAt: number) => Promise<number | Problem>,
  ): Promise<boolean> {
    for (let at = 0; at < runIds.length; ) {
      const read = await ask(runIds.slice(at, at + askedAtOnce), known.changes.now())
      if (isLate()) return false
      if (typeof read !== 'number') {
        problem.value = read
        return false
      }
      at += Math.max(1, read)
      if (at < runIds.length && isDrawingDue()) draw()
    }
    return true
  }

  function readFacts(isLate: () => boolean): Promise<boolean> {
    const { ticked, journal } = question()
    const into = known.facts
    return readParts(into.wantedOf(ticked), isLate, async (left, askedAt) => {
      const part = await api.call('experiments.compare', { runIds: left, ...ofJournal(journal) })
      if (!part.ok) return part.problem
      const found = factsOf(part.value)
      for (const [at, facts] of found.entries()) into.keep(left[at] as string, facts, askedAt)
      return found.length
    })
  }

  async function readCurves(isLate: () => boolean): Promise<boolean> {
    const { ticked, axis, journal } = question()
    const into = known.curvesOver(axis)
    const points = pointsFor(ticked.length)
    const wanted = into.wantedOf(ticked, (one) => one.points >= points)
    const isRead = await readParts(wanted, isLate, async (left, askedAt) => {
      const part = await api.call('experiments.curves', { runIds: left, axis, points, ...ofJournal(journal) })
      if (!part.ok) return part.problem
      for (const curve of part.value.curves) into.keep(curve.runId, { curve, points }, askedAt)
      return part.value.curves.length
    })
    if (isRead) known.drawOver(axis)
    return isRead
  }

  /** What of the ticked runs is not known, or not any more. False where that did not come to its end. */
  async function readOnce(isLate: () => boolean): Promise<boolean> {
    const { ticked } = question()
    if (!(await readRows(known.rows.wantedOf(ticked), isLate))) return false
    // Of a few all comes at once, without a moment of half of it.
    if (ticked.length > askedAtOnce / 8 && comparison.value?.rows.length !== ticked.length) draw()
    if (!(await readFacts(isLate)) || !(await readCurves(isLate))) return false
    problem.value = null
    draw()
    return true
  }

  /** Another question begins anew with what is known; a change waits its turn, or much would never come to its end. */
  async function read(): Promise<void> {
    const mine = ++generation
    const isLate = (): boolean => mine !== generation
    hasChanged = false
    isReading = question().ticked.length > 0
    if (!isReading) {
      comparison.value = null
      problem.value = null
      return
    }
    while (await readOnce(isLate)) {
      if (!hasChanged) break
      hasChanged = false
    }
    if (!isLate()) isReading = false
  }

  watch(
    () => question().journal,
    () => {
      known = openKnown(question().axis)
      comparison.value = null
    },
    { flush: 'sync' },
  )
  watch(() => JSON.stringify([question().ticked, question().axis, question().journal]), read, {
    immediate: true,
  })

  // A run that learns has new points, one that was edited another name.
  let timer: ReturnType<typeof setTimeout> | undefined
  function readSoon(runId: string | null): void {
    known.changes.change(runId)
    if (runId !== null && !question().ticked.includes(runId)) return
    timer ??= setTimeout(
      () => {
        timer = undefined
        hasChanged = isReading
        if (!isReading) void read()
      },
      Math.max(liveMs, drawingMs),
    )
  }
  onScopeDispose(api.on('experiments.changed', ({ runId }) => readSoon(runId)))
  onScopeDispose(api.on('training.update', ({ state }) => readSoon(state.runId)))
  onScopeDispose(() => {
    clearTimeout(timer)
    // Nobody looks any more: nothing is asked on.
    generation += 1
  })
  return {
    comparison,
    problem,
    /** Reads everything anew. */
    again(): Promise<void> {
      known.changes.change(null)
      return read()
    },
    /** A row that was changed here is shown as the journal gave it back. */
    replace(row: ExperimentRow): void {
      known.rows.keep(row.id, row, known.changes.now())
      draw()
    },
  }
}
