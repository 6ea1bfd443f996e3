// Answers of compared runs without a browser: they come in pages of rows and of runs, and a question that changes meanwhile
// never leaves answers beside the wrong row.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { ProblemError } from '#shared/result.ts'
import { experimentRow as row } from './support/experiment-row.ts'
import { openTestPage } from './support/page.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `run-${n}`)

/** Answers wait until the test lets them go on. */
let held: (() => void)[] | null = null
const letGo = (): void => {
  for (const one of held ?? []) one()
  held = null
}
let isRefused = false
/** Runs that are read by one question at most. */
let atOnce = 1000
let readSoFar = 0
let notMeasured = ids(2)
const page = openTestPage({
  'experiments.list': ({ runIds = [] }) => ({
    rows: runIds.map((id) => row(Number(id.slice('run-'.length)))),
    total: runIds.length,
  }),
  'experiments.answers': async (asked) => {
    await new Promise<void>((resolve) => (held === null ? resolve() : held.push(resolve)))
    if (isRefused) throw new ProblemError({ code: 'journal.failed', message: 'm', where: 'w', remedy: 'r' })
    const { runIds, text = '', offset = 0, limit = 25, columnOffset = 0, columnLimit = 24 } = asked
    readSoFar = Math.min(runIds.length, readSoFar + atOnce)
    const leftOut = runIds
      .filter((runId) => notMeasured.includes(runId))
      .map((runId) => ({ runId, reason: 'not-measured' }))
    if (readSoFar < runIds.length) return { read: readSoFar, answers: [], total: 0, different: 0, leftOut }
    const standing = runIds.filter((runId) => !notMeasured.includes(runId))
    const columns = standing.slice(columnOffset, columnOffset + columnLimit)
    const rows = Array.from({ length: 40 }, (_, n) => `row-${n}`).filter((one) => one.endsWith(text))
    const answers = rows.slice(offset, offset + limit).map((rowId) => ({
      rowId,
      prompt: null,
      expected: 'x',
      answers: columns.map((id) => ({ text: `${rowId} ${id}`, score: null })),
      isDifferent: true,
    }))
    return { read: readSoFar, answers, total: rows.length, different: rows.length, leftOut }
  },
})
const { useComparedAnswers } = await import('#renderer/features/experiments/compared-answers.ts')

type Compared = ReturnType<typeof useComparedAnswers>
/** Every answer that is here is the one of its row and its run. */
function expectEachInItsPlace({ found, columns }: Compared): void {
  for (const answer of found.value?.answers ?? [])
    expect(answer.answers.map((one) => one?.text)).toEqual(
      columns.value.map(({ runId }) => `${answer.rowId} ${runId}`),
    )
}
const rowsOf = ({ found }: Compared) => found.value?.answers.map(({ rowId }) => rowId)

describe('answers of compared runs', () => {
  let scope = effectScope()
  const runIds = ref(ids(62))
  const open = (): Compared =>
    scope.run(() => useComparedAnswers(() => ({ runIds: runIds.value, journal: '' })))!
  beforeEach(() => {
    scope = effectScope()
    runIds.value = ids(62)
    atOnce = 1000
    readSoFar = 0
    notMeasured = ids(2)
    isRefused = false
    page.calls.length = 0
  })
  afterEach(() => {
    scope.stop()
    letGo()
  })
  const asked = () => page.calls.filter(({ name }) => name === 'experiments.answers').length
  const opened = async (): Promise<Compared> => {
    const compared = open()
    await vi.waitFor(() => expect(compared.columns.value[0]?.label).toBe('Run 2'))
    return compared
  }

  it('come in pages of rows and of runs, after all were read, each in its place', async () => {
    atOnce = 20
    const compared = open()
    const { found, read, standing, columns, moreRows, moreColumns } = compared
    await vi.waitFor(() => expect(found.value?.answers).toHaveLength(25))
    expect([read.value, standing.value.length, columns.value.length]).toEqual([null, 60, 24])
    await vi.waitFor(() => expect(columns.value[0]).toEqual({ runId: 'run-2', label: 'Run 2' }))
    await moreColumns()
    await moreRows()
    await moreColumns()
    await moreColumns()
    expect(columns.value).toHaveLength(60)
    expect(rowsOf(compared)).toEqual(Array.from({ length: 40 }, (_, n) => `row-${n}`))
    expectEachInItsPlace(compared)
    expect(asked()).toBeGreaterThan(4)
  })

  // Bug: further columns of "row-7" stood beside row-0, and a page of all rows joined the page of the found ones.
  it.each(['moreColumns', 'moreRows'] as const)(
    'of other words replace those that are here, whatever is pressed meanwhile (%s)',
    async (more) => {
      const compared = await opened()
      held = []
      compared.text.value = '7'
      await vi.waitFor(() => expect(held).toHaveLength(1))
      const pressed = compared[more]()
      letGo()
      await pressed
      await vi.waitFor(() => expect(compared.found.value?.total).toBe(4))
      expect(rowsOf(compared)).toEqual(['row-7', 'row-17', 'row-27', 'row-37'])
      expectEachInItsPlace(compared)
    },
  )

  it('are not mixed with those of words that were typed while more was on its way', async () => {
    const compared = await opened()
    held = []
    const pressed = compared.moreColumns()
    await vi.waitFor(() => expect(held).toHaveLength(1))
    compared.text.value = '7'
    letGo()
    await pressed
    await vi.waitFor(() => expect(compared.found.value?.total).toBe(4))
    expect(compared.columns.value).toHaveLength(24)
    expectEachInItsPlace(compared)
  })

  it('of more rows and of more runs both come, where both are asked for at once, with names', async () => {
    const compared = await opened()
    await Promise.all([compared.moreColumns(), compared.moreRows()])
    expect(rowsOf(compared)).toHaveLength(40)
    expect(compared.columns.value).toHaveLength(48)
    expect(compared.columns.value.map(({ label }) => label)).toContain('Run 49')
    expectEachInItsPlace(compared)
  })

  it('begin anew where a run was measured meanwhile: every column behind it is another', async () => {
    const compared = await opened()
    notMeasured = ['run-1']
    await compared.moreColumns()
    await vi.waitFor(() => expect(compared.standing.value).toHaveLength(61))
    expect(compared.columns.value.map(({ runId }) => runId).slice(0, 2)).toEqual(['run-0', 'run-2'])
    expectEachInItsPlace(compared)
  })

  it('of other runs stand under these runs: until they are here, those of before stay whole', async () => {
    const compared = await opened()
    held = []
    runIds.value = [...ids(62)].toReversed()
    await vi.waitFor(() => expect(held).toHaveLength(1))
    expectEachInItsPlace(compared)
    letGo()
    await vi.waitFor(() => expect(compared.columns.value[0]?.runId).toBe('run-61'))
    expectEachInItsPlace(compared)
  })

  // Bug: ten thousand were read to their end behind a page that was left.
  it('are not read on once nobody looks', async () => {
    atOnce = 20
    held = []
    open()
    await vi.waitFor(() => expect(held).toHaveLength(1))
    scope.stop()
    letGo()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(asked()).toBe(1)
  })

  // Bug: "Reading answers: 20 of 62 runs." stood beside the reason for ever.
  it('that are refused in the midst of reading can be asked for again, and are not said to be read', async () => {
    atOnce = 20
    held = []
    const compared = open()
    const { read, problem, found, load } = compared
    await vi.waitFor(() => expect(held).toHaveLength(1))
    held.shift()?.()
    await vi.waitFor(() => expect(read.value).toBe(20))
    isRefused = true
    letGo()
    await vi.waitFor(() => expect(problem.value?.code).toBe('journal.failed'))
    expect([read.value, found.value]).toEqual([null, null])
    isRefused = false
    await load()
    expect([problem.value, read.value, rowsOf(compared)?.length]).toEqual([null, null, 25])
  })
})
