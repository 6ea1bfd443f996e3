// Many runs on their way to the bin: ten thousand went in one call that nobody could follow or stop.
import { beforeEach, expect, it } from 'vitest'
import { ProblemError } from '#shared/result.ts'
import { openTestPage } from './support/page.ts'

const problem = { code: 'run.active', message: 'm', where: 'w', remedy: 'r' } as const
let refusesFrom = Number.POSITIVE_INFINITY
let whenAsked = (): void => {}
const page = openTestPage({
  'experiments.remove': ({ runIds }) => {
    whenAsked()
    if (page.calls.length > refusesFrom) throw new ProblemError({ ...problem, code: 'journal.failed' })
    const failed = runIds.filter((id) => id.endsWith('-7')).map((runId) => ({ runId, problem }))
    return { removed: runIds.length - failed.length, failed }
  },
})
const { useRemovingRuns } = await import('#renderer/features/experiments/removing-runs.ts')

const many = Array.from({ length: 250 }, (_, n) => `run-${n}`)
const asked = () => page.calls.map(({ input }) => (input as { runIds: string[] }).runIds.length)
beforeEach(() => {
  page.calls.length = 0
  refusesFrom = Number.POSITIVE_INFINITY
  whenAsked = () => {}
})

it('they go in parts with a count, each that stays with its reason', async () => {
  const removing = useRemovingRuns()
  const counts: (number | null)[] = []
  whenAsked = () => counts.push(removing.done.value)
  await removing.remove(many)
  expect(asked()).toEqual([100, 100, 50])
  expect(counts).toEqual([0, 100, 200])
  expect(removing.failed.value.map(({ runId }) => runId)).toEqual(['run-7'])
  expect(removing.gone.value).toHaveLength(249)
  expect([removing.left.value, removing.isWorking.value]).toEqual([[], false])
})

it('a stop keeps what is not on its way yet, and asking again takes the rest', async () => {
  const removing = useRemovingRuns()
  whenAsked = removing.stop
  await removing.remove(many)
  expect(asked()).toEqual([100])
  expect(removing.left.value).toEqual(many.slice(100))
  whenAsked = () => {}
  await removing.remove(removing.left.value)
  expect(asked()).toEqual([100, 100, 50])
  expect([removing.gone.value.length, removing.left.value]).toEqual([249, []])
})

it('a refusal on the way says what went before it', async () => {
  const removing = useRemovingRuns()
  refusesFrom = 2
  await removing.remove(many)
  expect([removing.gone.value.length, removing.left.value.length, removing.problem.value?.code]).toEqual([
    199,
    50,
    'journal.failed',
  ])
  refusesFrom = Number.POSITIVE_INFINITY
  await removing.remove(removing.left.value)
  expect([removing.gone.value.length, removing.problem.value]).toEqual([249, null])
  removing.reset()
  expect([removing.gone.value, removing.failed.value]).toEqual([[], []])
})
