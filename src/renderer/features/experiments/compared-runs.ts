// The ticked runs that are compared: their rows, settings, figures and curves. Many come in parts, and what is there is
// shown meanwhile with how much that is; one that was ticked or changed is read alone.
import { onScopeDispose, shallowRef, watch } from 'vue'
import type { CallInput, OverlayCurve } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { ofJournal } from './experiment-view.ts'
import { type ComparedFacts, factsOf, joinFacts, type RunFacts } from './run-facts.ts'

export type CurveAxis = CallInput<'experiments.curves'>['axis'] & string

/** A run that learns changes all the time; so often it is read anew. */
const liveMs = 1000
/** Parts come fast; so often what is there is drawn. */
const drawMs = 500
/** Rows, figures or curves that are asked for at once; the core answers about as many as it can in a moment. */
const askedAtOnce = 200
/** So many points are drawn together at most, so that a chart of a thousand curves stays quick. */
const pointsTogether = 40_000

export interface Comparison extends ComparedFacts {
  readonly rows: readonly ExperimentRow[]
  readonly curves: readonly OverlayCurve[]
  /** What the curves are over. */
  readonly axis: CurveAxis
  /** Of how many of the rows everything is there. */
  readonly read: number
}

export interface ComparedQuestion {
  readonly ticked: readonly string[]
  readonly axis: CurveAxis
  /** An opened foreign journal; empty for one's own. */
  readonly journal: string
}

/** What was read, by run. `stale` is shown until it was read again. */
interface Known {
  readonly rows: Map<string, ExperimentRow>
  readonly facts: Map<string, RunFacts>
  curves: Map<string, OverlayCurve>
  axis: CurveAxis
  readonly stale: { readonly rows: Set<string>; readonly facts: Set<string>; readonly curves: Set<string> }
}

const nothingKnown = (axis: CurveAxis): Known => ({
  rows: new Map(),
  facts: new Map(),
  curves: new Map(),
  axis,
  stale: { rows: new Set(), facts: new Set(), curves: new Set() },
})

const pointsFor = (runs: number): number => Math.max(40, Math.min(400, Math.floor(pointsTogether / runs)))

export function useComparedRuns(
  question: () => ComparedQuestion,
  forget: (runIds: readonly string[]) => void,
) {
  const comparison = shallowRef<Comparison | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let known = nothingKnown(question().axis)
  let generation = 0
  let drawnAtMs = 0

  function draw(): void {
    const { ticked } = question()
    const rows = ticked.flatMap((runId) => known.rows.get(runId) ?? [])
    const isWhole = (runId: string): boolean => known.facts.has(runId) && known.curves.has(runId)
    const facts = rows.map(({ id }) => known.facts.get(id) ?? null)
    const deciding = new Set(rows.flatMap(({ proof }) => proof?.metric ?? []))
    comparison.value = {
      rows,
      curves: rows.flatMap(({ id }) => known.curves.get(id) ?? []),
      axis: known.axis,
      read: rows.filter(({ id }) => isWhole(id)).length,
      ...joinFacts(facts, deciding),
    }
    drawnAtMs = performance.now()
  }

  /** False where the answer is a refusal, or came too late. */
  async function readRows(runIds: readonly string[], isLate: () => boolean): Promise<boolean> {
    const asked = { archived: 'with', hasTrials: true, ...ofJournal(question().journal) } as const
    const gone: string[] = []
    for (let at = 0; at < runIds.length; at += askedAtOnce) {
      const part = runIds.slice(at, at + askedAtOnce)
      const found = await api.call('experiments.list', { runIds: part, limit: askedAtOnce, ...asked })
      if (isLate()) return false
      if (!found.ok) {
        problem.value = found.problem
        return false
      }
      for (const row of found.value.rows) known.rows.set(row.id, row)
      const there = new Set(found.value.rows.map(({ id }) => id))
      gone.push(...part.filter((runId) => !there.has(runId)))
      for (const runId of part) known.stale.rows.delete(runId)
    }
    // An address may name runs that were removed since.
    for (const runId of gone) known.rows.delete(runId)
    if (gone.length > 0) forget(gone)
    return gone.length === 0
  }

  /** Asks for the first of what is left until nothing is; `ask` gives of how many of them the answer was. */
  async function readParts(
    runIds: readonly string[],
    isLate: () => boolean,
    ask: (left: string[]) => Promise<number | Problem>,
  ): Promise<boolean> {
    for (let at = 0; at < runIds.length; ) {
      const read = await ask(runIds.slice(at, at + askedAtOnce))
      if (isLate()) return false
      if (typeof read !== 'number') {
        problem.value = read
        return false
      }
      at += Math.max(1, read)
      if (at < runIds.length && performance.now() - drawnAtMs > drawMs) draw()
    }
    return true
  }

  function readFacts(runIds: readonly string[], isLate: () => boolean): Promise<boolean> {
    return readParts(runIds, isLate, async (left) => {
      const part = await api.call('experiments.compare', { runIds: left, ...ofJournal(question().journal) })
      if (!part.ok) return part.problem
      if (isLate()) return 0
      const found = factsOf(part.value)
      for (const [at, facts] of found.entries()) {
        const runId = left[at] as string
        known.facts.set(runId, facts)
        known.stale.facts.delete(runId)
      }
      return found.length
    })
  }

  async function readCurves(isLate: () => boolean): Promise<boolean> {
    const { ticked, axis, journal } = question()
    // Curves over another axis stand until all of the new ones are there.
    const isOther = axis !== known.axis
    const into = isOther ? new Map<string, OverlayCurve>() : known.curves
    const wanted = ticked.filter((runId) => !into.has(runId) || known.stale.curves.has(runId))
    const points = pointsFor(ticked.length)
    const isRead = await readParts(wanted, isLate, async (left) => {
      const part = await api.call('experiments.curves', { runIds: left, axis, points, ...ofJournal(journal) })
      if (!part.ok) return part.problem
      if (isLate()) return 0
      for (const curve of part.value.curves) {
        into.set(curve.runId, curve)
        known.stale.curves.delete(curve.runId)
      }
      return part.value.curves.length
    })
    if (isRead && isOther) Object.assign(known, { curves: into, axis })
    return isRead
  }

  /** What of the ticked runs is not known, or not any more. */
  async function read(): Promise<void> {
    const mine = ++generation
    const isLate = (): boolean => mine !== generation
    const { ticked } = question()
    if (ticked.length === 0) {
      comparison.value = null
      problem.value = null
      return
    }
    const missing = (of: 'rows' | 'facts'): string[] =>
      ticked.filter((runId) => !known[of].has(runId) || known.stale[of].has(runId))
    if (!(await readRows(missing('rows'), isLate))) return
    // Of a few all comes at once, without a moment of half of it.
    if (ticked.length > askedAtOnce / 8 && comparison.value?.rows.length !== ticked.length) draw()
    if (!(await readFacts(missing('facts'), isLate)) || !(await readCurves(isLate))) return
    problem.value = null
    draw()
  }

  function forgetKnown(runIds: Iterable<string>): void {
    for (const runId of runIds) for (const stale of Object.values(known.stale)) stale.add(runId)
  }

  watch(
    () => question().journal,
    () => {
      known = nothingKnown(question().axis)
      comparison.value = null
    },
    { flush: 'sync' },
  )
  watch(() => JSON.stringify([question().ticked, question().axis, question().journal]), read, {
    immediate: true,
  })

  // A run that learns has new points, one that was edited another name.
  let timer: ReturnType<typeof setTimeout> | undefined
  function loadSoon(runId: string | null): void {
    if (runId !== null && !known.rows.has(runId)) return
    forgetKnown(runId === null ? known.rows.keys() : [runId])
    timer ??= setTimeout(() => {
      timer = undefined
      void read()
    }, liveMs)
  }
  onScopeDispose(api.on('experiments.changed', ({ runId }) => loadSoon(runId)))
  onScopeDispose(api.on('training.update', ({ state }) => loadSoon(state.runId)))
  onScopeDispose(() => clearTimeout(timer))
  return {
    comparison,
    problem,
    /** Reads everything anew. */
    load(): Promise<void> {
      forgetKnown(question().ticked)
      return read()
    },
    /** A row that was changed here is shown as the journal gave it back. */
    replace(row: ExperimentRow): void {
      known.rows.set(row.id, row)
      draw()
    },
  }
}
