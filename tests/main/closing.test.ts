// What a closed window does, and what the program tells of runs that go on or end without one.
import { expect, test } from 'vitest'
import { closingOf } from '#main/closing.ts'
import { createRunWatch, type RunEnd, type WatchedRun } from '#main/run-watch.ts'
import { fail, ok } from '#shared/result.ts'

const facts = { isQuitting: false, activeRuns: 1, keepsRunning: true, hasTray: true }

test('with a run active the window goes away and the program stays; else it ends', () => {
  expect(closingOf(facts)).toBe('hide')
  expect(closingOf({ ...facts, hasTray: false })).toBe('minimize')
  expect(closingOf({ ...facts, keepsRunning: false })).toBe('end')
  expect(closingOf({ ...facts, activeRuns: 0 })).toBe('end')
  expect(closingOf({ ...facts, isQuitting: true })).toBe('end')
})

test('runs are followed from the core, and how each ended is asked there', async () => {
  const shown: (readonly WatchedRun[])[] = []
  const ends: [string, RunEnd][] = []
  const statuses: Record<string, string> = { a: 'finished', b: 'cancelled' }
  const watch = createRunWatch({
    async call(name, input) {
      if (name === 'settings.get') return ok({ whenClosed: 'stop' })
      if (name === 'system.activity') return ok({ jobs: [], runs: [run('a'), run('b'), run('c')] })
      const status = statuses[(input as { runId: string }).runId]
      return status === undefined
        ? fail({ code: 'run.unknown', message: '', where: '', remedy: '' })
        : ok({ state: { status } })
    },
    onRuns: (runs) => shown.push(runs),
    onEnded: (name, end) => ends.push([name, end]),
  })
  expect(watch.keepsRunning).toBe(true)
  await watch.refresh()
  expect(watch.keepsRunning).toBe(false)
  expect(watch.runs.map(({ runId }) => runId)).toEqual(['a', 'b', 'c'])
  watch.hear('settings.changed', { whenClosed: 'keep-running' })
  expect(watch.keepsRunning).toBe(true)
  watch.hear('activity.changed', { runs: [] })
  watch.hear('job.changed', { runs: [run('z')] })
  await expect.poll(() => ends.length).toBe(3)
  expect(ends.sort()).toEqual([
    ['run a', 'finished'],
    ['run b', 'stopped'],
    ['run c', 'failed'],
  ])
  expect(shown.map((runs) => runs.length)).toEqual([3, 0])
})

const run = (runId: string): WatchedRun => ({ runId, name: `run ${runId}`, doneShare: 0.5 })
