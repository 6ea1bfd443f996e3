// The proof of a run as its page knows it: read at every change, so in any order.
import { beforeEach, expect, it } from 'vitest'
import { ProblemError } from '#shared/result.ts'
import { experimentRow as row } from './support/experiment-row.ts'
import { openTestPage } from './support/page.ts'

/** What the next question gets: when, and whether it is refused. */
let answers: { readonly gate: Promise<void>; readonly isRefused: boolean; readonly runName: string }[] = []
const page = openTestPage({
  'proof.get': async () => {
    const { gate, isRefused, runName } = answers.shift()!
    await gate
    if (isRefused) throw new ProblemError({ code: 'journal.failed', message: 'm', where: 'w', remedy: 'r' })
    return {
      ...{ runId: 'run-1', runName, projectId: 'p', projectName: 'P', goal: '', scenario: 's', modelId: 'm' },
      ...{
        summary: null,
        provedAtMs: null,
        earlierProofs: 0,
        openingsOfData: 0,
        cannotProve: null,
        testRows: 9,
      },
    }
  },
  'experiments.list': () => ({ rows: [row(1)], total: 1 }),
  'advice.get': () => ({ advice: null }),
})
const { useProof } = await import('#renderer/features/proof/use-proof.ts')

const soon = Promise.resolve()
beforeEach(() => {
  page.calls.length = 0
  answers = []
})

it('a later good answer takes away what went wrong before (it stayed)', async () => {
  answers = [
    { gate: soon, isRefused: true, runName: '' },
    { gate: soon, isRefused: false, runName: 'second' },
  ]
  const { view, problem, load } = useProof('run-1', false, {})
  await load()
  expect([problem.value?.code, view.value]).toEqual(['journal.failed', null])
  await load()
  expect([problem.value, view.value?.runName]).toEqual([null, 'second'])
})

it.each([false, true])(
  'an earlier question whose answer comes later says nothing (refused: %s)',
  async (isRefused) => {
    let open = (): void => {}
    const late = new Promise<void>((resolve) => {
      open = resolve
    })
    answers = [
      { gate: late, isRefused, runName: 'old' },
      { gate: soon, isRefused: false, runName: 'new' },
    ]
    const { view, problem, load } = useProof('run-1', true, {})
    const first = load()
    await load()
    open()
    await first
    expect([problem.value, view.value?.runName]).toEqual([null, 'new'])
  },
)
