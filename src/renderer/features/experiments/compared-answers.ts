// The answers of the compared runs, in pages of rows and of runs: more of either is asked for on demand. Where there are so
// many that the core reads them in several goes, how far it is is told meanwhile.
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { CallOutput, ComparedAnswer } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { Problem } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'
import { api } from '../../api.ts'
import { ofJournal } from './experiment-view.ts'

type Page = CallOutput<'experiments.answers'>
export type LeftOut = Page['leftOut'][number]

const rowsAtOnce = 25
const columnsAtOnce = 24
const typingMs = 200
/** Runs that are left out and named; of more their number is said. */
export const namedAtMost = 6

/** What was asked for. Pages of one question join; of two they would mix rows and runs. */
interface Asked extends AnswersQuestion {
  /** Rows with these words only. */
  readonly text: string
}

interface Found {
  readonly asked: Asked
  /** Of so many of the standing runs the answers are here. */
  readonly columns: number
  readonly answers: readonly ComparedAnswer[]
  readonly total: number
  readonly different: number
  readonly leftOut: readonly LeftOut[]
}

/** A run whose answers are here. */
export interface AnsweringRun {
  readonly runId: string
  readonly label: string
}

export interface AnswersQuestion {
  readonly runIds: readonly string[]
  /** An opened foreign journal; empty for one's own. */
  readonly journal: string
}

interface Part {
  readonly offset: number
  readonly limit: number
  readonly columnOffset: number
  readonly columnLimit: number
}

export function useComparedAnswers(question: () => AnswersQuestion) {
  const found = shallowRef<Found | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** Of so many runs the answers are read, while they are not all. */
  const read = ref<number | null>(null)
  const text = ref('')
  /** All rows, also those that the words leave out. */
  const allRows = ref(0)
  const rows = shallowRef<ReadonlyMap<string, ExperimentRow>>(new Map())
  let generation = 0
  let isLoading = false
  /** What is added, one after the other. */
  let adding: Promise<void> = Promise.resolve()
  let isAddingColumns = false

  const askedNow = (): Asked => ({ ...question(), text: text.value })

  /** Runs whose answers stand side by side, in the order of the ticks. */
  const standing = computed(() => {
    const left = new Set(found.value?.leftOut.map(({ runId }) => runId))
    return (found.value?.asked ?? question()).runIds.filter((runId) => !left.has(runId))
  })

  /** null where it was refused or came too late. */
  async function ask(mine: number, { runIds, text, journal }: Asked, part: Part): Promise<Page | null> {
    for (;;) {
      const input = { runIds: [...runIds], text, ...part, ...ofJournal(journal) }
      const reply = await api.call('experiments.answers', input)
      if (mine !== generation) return null
      problem.value = reply.ok ? null : reply.problem
      const isWhole = reply.ok && reply.value.read === runIds.length
      // Nothing is read on behind a refusal.
      read.value = reply.ok && !isWhole ? reply.value.read : null
      if (!reply.ok) return null
      if (isWhole) return reply.value
    }
  }

  /** Rows from `offset` on, with all columns from `from` to `to`. */
  async function block(
    mine: number,
    asked: Asked,
    { offset, limit, from, to }: { offset: number; limit: number; from: number; to: number },
  ): Promise<Found | null> {
    let joined: Found | null = null
    for (let at = from; at < to; at += columnsAtOnce) {
      const columnLimit = Math.min(columnsAtOnce, to - at)
      const part = await ask(mine, asked, { offset, limit, columnOffset: at, columnLimit })
      if (part === null) return null
      joined = joined === null ? { ...part, asked, columns: to } : besideEachOther(joined, part, to)
      if (joined === null) return startAnew()
    }
    return joined
  }

  /** Where a run was measured meanwhile, rows and columns behind it are others than those that are here. */
  function startAnew(): null {
    void load()
    return null
  }

  /** Names of what is shown: of the columns, and of those that are left out and named. */
  async function nameColumns(mine: number): Promise<void> {
    if (found.value === null) return
    const { asked, leftOut } = found.value
    const named = leftOut.filter(
      ({ reason }, at, all) => all.slice(0, at).filter((one) => one.reason === reason).length < namedAtMost,
    )
    const wanted = [...standing.value.slice(0, found.value.columns), ...named.map(({ runId }) => runId)]
    const runIds = wanted.filter((runId) => !rows.value.has(runId))
    for (let at = 0; at < runIds.length; at += 500) {
      const part = runIds.slice(at, at + 500)
      const listed = await api.call('experiments.list', {
        runIds: part,
        limit: 500,
        ...ofJournal(asked.journal),
      })
      if (mine !== generation) return
      if (listed.ok)
        rows.value = new Map([...rows.value, ...listed.value.rows.map((row) => [row.id, row] as const)])
      else problem.value = listed.problem
    }
  }

  async function load(): Promise<void> {
    const mine = ++generation
    const asked = askedNow()
    if (asked.runIds.length === 0) return
    isLoading = true
    const page = await block(mine, asked, { offset: 0, limit: rowsAtOnce, from: 0, to: columnsAtOnce })
    if (mine !== generation) return
    isLoading = false
    if (page === null) return
    if (asked.text === '') allRows.value = page.total
    found.value = page
    await nameColumns(mine)
  }

  /** Behind what is being added already; nothing where what is shown is about to be replaced. */
  function add(more: (mine: number, known: Found) => Promise<Found | null>): Promise<void> {
    const mine = generation
    const isStill = (): boolean => mine === generation && !isLoading && isSame(found.value?.asked, askedNow())
    adding = adding.then(async () => {
      const known = found.value
      if (known === null || !isStill()) return
      const page = await more(mine, known)
      if (page === null || !isStill()) return
      found.value = page
      await nameColumns(mine)
    })
    return adding
  }

  const moreRows = (): Promise<void> =>
    add(async (mine, known) => {
      const { asked, columns, leftOut } = known
      const range = { from: 0, to: Math.max(1, Math.min(columns, standing.value.length)) }
      const rows = { offset: known.answers.length, limit: rowsAtOnce }
      const page = await block(mine, asked, { ...rows, ...range })
      if (page === null) return null
      if (!isSame(page.leftOut, leftOut)) return startAnew()
      return { ...page, columns, answers: [...known.answers, ...page.answers] }
    })

  async function moreColumns(): Promise<void> {
    // Scrolling asks again and again.
    if (isAddingColumns) return
    isAddingColumns = true
    await add(async (mine, known) => {
      const from = known.columns
      if (from >= standing.value.length) return null
      const to = from + columnsAtOnce
      const rows = { offset: 0, limit: Math.max(1, known.answers.length) }
      const page = await block(mine, known.asked, { ...rows, from, to })
      return page && (besideEachOther(known, page, to) ?? startAnew())
    })
    isAddingColumns = false
  }

  watch(
    () => JSON.stringify(question()),
    () => void load(),
    { immediate: true },
  )
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(text, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void load(), typingMs)
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    // Nobody looks any more: nothing is asked on.
    generation += 1
  })

  /** As a run is called; its id until its name is here. */
  function labelOf(runId: string): string {
    const row = rows.value.get(runId)
    return row === undefined ? runId : runLabel(row)
  }
  const columns = computed(() =>
    standing.value
      .slice(0, found.value?.columns ?? columnsAtOnce)
      .map((runId): AnsweringRun => ({ runId, label: labelOf(runId) })),
  )
  return { found, problem, read, text, allRows, labelOf, standing, columns, load, moreRows, moreColumns }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Answers of further runs beside those that are here, row by row. null where these are not the same rows and runs any more. */
function besideEachOther(
  known: Found,
  further: Omit<Found, 'asked' | 'columns'>,
  columns: number,
): Found | null {
  const ofRow = new Map(further.answers.map((row) => [row.rowId, row.answers]))
  const isOther = known.answers.some(({ rowId }) => !ofRow.has(rowId))
  if (isOther || !isSame(known.leftOut, further.leftOut)) return null
  const answers = known.answers.map((row) => ({
    ...row,
    answers: [...row.answers, ...(ofRow.get(row.rowId) ?? [])],
  }))
  return { ...further, asked: known.asked, columns, answers }
}
