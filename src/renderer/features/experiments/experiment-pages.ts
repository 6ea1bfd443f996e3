// The rows of the table, fetched in pages as they come into view. A change of the question or of a run fetches what is in
// view anew; until it is there the rows that are known stay.
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

const pageRows = 100
/** A run that learns is read anew so often, as a comparison reads it. */
const liveMs = 1000
/** Changes that come closer together than this are read at once. */
const gatherMs = 250

export function useExperimentPages(query: () => RunQuery) {
  const pages = shallowRef<ReadonlyMap<number, readonly ExperimentRow[]>>(new Map())
  /** null until the first answer. */
  const total = ref<number | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const asked = new Set<number>()
  let generation = 0
  let inView = { first: 0, last: 0 }
  let timer: ReturnType<typeof setTimeout> | undefined

  const pagesInView = (): number[] => {
    const first = Math.floor(inView.first / pageRows)
    const last = Math.floor(inView.last / pageRows)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  }

  async function read(page: number): Promise<readonly ExperimentRow[] | null> {
    const mine = generation
    asked.add(page)
    const reply = await api.call('experiments.list', { ...query(), offset: page * pageRows, limit: pageRows })
    if (mine !== generation) return null
    asked.delete(page)
    if (!reply.ok) {
      problem.value = reply.problem
      return null
    }
    total.value = reply.value.total
    return reply.value.rows
  }

  async function add(page: number): Promise<void> {
    const rows = await read(page)
    if (rows === null) return
    problem.value = null
    pages.value = new Map(pages.value).set(page, rows)
  }

  /** Rows `first` to `last` are in view. */
  function show(first: number, last: number): void {
    inView = { first, last }
    for (const page of pagesInView()) if (!pages.value.has(page) && !asked.has(page)) void add(page)
  }

  /** Fetches what is in view anew. */
  async function refresh(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    generation += 1
    asked.clear()
    const mine = generation
    const found = await Promise.all(pagesInView().map(async (page) => [page, await read(page)] as const))
    if (mine !== generation) return
    const fresh = found.flatMap(([page, rows]) => (rows === null ? [] : [[page, rows] as const]))
    // Where one was refused, the rows that are known stay beside the reason.
    if (fresh.length < found.length) return
    problem.value = null
    pages.value = new Map(fresh)
    show(inView.first, inView.last)
  }

  /** The same, a moment later and once for all that ask meanwhile. */
  function refreshSoon(): void {
    timer ??= setTimeout(() => void refresh(), gatherMs)
  }

  /** Another question: from the top. */
  function restart(): Promise<void> {
    inView = { first: 0, last: 0 }
    return refresh()
  }

  const rowAt = (index: number): ExperimentRow | null =>
    pages.value.get(Math.floor(index / pageRows))?.[index % pageRows] ?? null

  /** Where a run stands; null where it is not among the rows that are known. */
  function indexOf(runId: string): number | null {
    for (const [page, rows] of pages.value) {
      const at = rows.findIndex(({ id }) => id === runId)
      if (at >= 0) return page * pageRows + at
    }
    return null
  }

  /** A row that was changed here is shown as the journal gave it back. */
  function replace(row: ExperimentRow): void {
    const changed = ({ id }: ExperimentRow): boolean => id === row.id
    pages.value = new Map(
      [...pages.value].map(([page, rows]) => [
        page,
        rows.some(changed) ? rows.map((one) => (changed(one) ? row : one)) : rows,
      ]),
    )
  }

  const loaded = computed(() => [...pages.value.values()].flat())

  const learning = new Set<string>()
  let liveTimer: ReturnType<typeof setTimeout> | undefined
  async function readLearning(): Promise<void> {
    liveTimer = undefined
    const mine = generation
    const runIds = [...learning]
    learning.clear()
    const asked = { runIds, limit: pageRows, archived: 'with', hasTrials: true } as const
    const reply = await api.call('experiments.list', asked)
    // What is wrong is said by whoever reads the pages.
    if (reply.ok && mine === generation) reply.value.rows.forEach(replace)
  }

  /** A run has learnt on: its row is read anew where it stands, once for all that do so meanwhile. */
  function readSoon(runId: string): void {
    if (!loaded.value.some(({ id }) => id === runId)) return
    learning.add(runId)
    liveTimer ??= setTimeout(() => void readLearning(), liveMs)
  }

  onScopeDispose(() => {
    clearTimeout(timer)
    clearTimeout(liveTimer)
  })
  return { total, problem, loaded, rowAt, indexOf, show, refresh, refreshSoon, readSoon, restart, replace }
}
export type ExperimentPages = ReturnType<typeof useExperimentPages>
