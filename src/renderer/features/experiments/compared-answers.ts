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

interface Found {
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
  let isAdding = false

  /** Runs whose answers stand side by side, in the order of the ticks. */
  const standing = computed(() => {
    const left = new Set(found.value?.leftOut.map(({ runId }) => runId))
    return question().runIds.filter((runId) => !left.has(runId))
  })
  /** Of these the answers are here. */
  const shownColumns = ref(columnsAtOnce)

  /** null where it was refused or came too late. */
  async function ask(
    mine: number,
    part: { offset: number; limit: number; columnOffset: number; columnLimit: number },
  ): Promise<Page | null> {
    const { runIds, journal } = question()
    for (;;) {
      const input = { runIds: [...runIds], text: text.value, ...part, ...ofJournal(journal) }
      const reply = await api.call('experiments.answers', input)
      if (mine !== generation) return null
      problem.value = reply.ok ? null : reply.problem
      if (!reply.ok) return null
      const isWhole = reply.value.read === runIds.length
      read.value = isWhole ? null : reply.value.read
      if (isWhole) return reply.value
    }
  }

  /** Rows from `offset` on, with all columns from `columnOffset` to `columnEnd`. */
  async function block(
    mine: number,
    { offset, limit, from, to }: { offset: number; limit: number; from: number; to: number },
  ): Promise<Found | null> {
    let joined: Found | null = null
    for (let at = from; at < to; at += columnsAtOnce) {
      const columnLimit = Math.min(columnsAtOnce, to - at)
      const part = await ask(mine, { offset, limit, columnOffset: at, columnLimit })
      if (part === null) return null
      const before: readonly ComparedAnswer[] = joined?.answers ?? []
      const answers = part.answers.map((answer, row) => ({
        ...answer,
        answers: [...(before[row]?.answers ?? []), ...answer.answers],
      }))
      joined = { ...part, answers }
    }
    return joined
  }

  /** Names of what is shown: of the columns, and of those that are left out and named. */
  async function nameColumns(mine: number): Promise<void> {
    const { journal } = question()
    const named = (found.value?.leftOut ?? []).filter(
      ({ reason }, at, all) => all.slice(0, at).filter((one) => one.reason === reason).length < namedAtMost,
    )
    const wanted = [...standing.value.slice(0, shownColumns.value), ...named.map(({ runId }) => runId)]
    const runIds = wanted.filter((runId) => !rows.value.has(runId))
    for (let at = 0; at < runIds.length; at += 500) {
      const part = runIds.slice(at, at + 500)
      const listed = await api.call('experiments.list', { runIds: part, limit: 500, ...ofJournal(journal) })
      if (mine !== generation) return
      if (listed.ok)
        rows.value = new Map([...rows.value, ...listed.value.rows.map((row) => [row.id, row] as const)])
      else problem.value = listed.problem
    }
  }

  async function load(): Promise<void> {
    const mine = ++generation
    if (question().runIds.length === 0) return
    shownColumns.value = columnsAtOnce
    const page = await block(mine, { offset: 0, limit: rowsAtOnce, from: 0, to: columnsAtOnce })
    if (page === null) return
    if (text.value === '') allRows.value = page.total
    found.value = page
    await nameColumns(mine)
  }

  async function moreRows(): Promise<void> {
    const mine = ++generation
    const known = found.value
    if (known === null) return
    const range = { from: 0, to: Math.max(1, Math.min(shownColumns.value, standing.value.length)) }
    const page = await block(mine, { offset: known.answers.length, limit: rowsAtOnce, ...range })
    if (page !== null) found.value = { ...page, answers: [...known.answers, ...page.answers] }
  }

  async function moreColumns(): Promise<void> {
    const known = found.value
    const from = shownColumns.value
    // Scrolling asks again and again.
    if (isAdding || known === null || from >= standing.value.length) return
    isAdding = true
    const mine = ++generation
    const range = { from, to: from + columnsAtOnce }
    const page = await block(mine, { offset: 0, limit: Math.max(1, known.answers.length), ...range })
    isAdding = false
    if (page === null) return
    const answers = known.answers.map((row, at) => ({
      ...row,
      answers: [...row.answers, ...(page.answers[at]?.answers ?? [])],
    }))
    shownColumns.value = from + columnsAtOnce
    found.value = { ...page, answers }
    await nameColumns(mine)
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
  onScopeDispose(() => clearTimeout(timer))

  /** As a run is called; its id until its name is here. */
  function labelOf(runId: string): string {
    const row = rows.value.get(runId)
    return row === undefined ? runId : runLabel(row)
  }
  const columns = computed(() =>
    standing.value
      .slice(0, shownColumns.value)
      .map((runId): AnsweringRun => ({ runId, label: labelOf(runId) })),
  )
  return { found, problem, read, text, allRows, labelOf, standing, columns, moreRows, moreColumns }
}
