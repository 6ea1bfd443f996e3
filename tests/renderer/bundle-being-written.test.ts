// What is said of a bundle while it is written and once it is there: it was said for ever that it is being written.
import { expect, test } from 'vitest'
import { openTestPage } from './support/page.ts'

const page = openTestPage({})
const { useBundleBeingWritten } = await import('#renderer/features/experiments/bundle-being-written.ts')
const { useActivity } = await import('#renderer/stores/activity.ts')

const problem = { code: 'disk.full', message: 'm', where: 'w', remedy: 'r' } as const
const end = async (id: string, status: 'done' | 'failed' | 'cancelled'): Promise<void> => {
  const ended = { id, kind: 'journal', title: 'Run bundle', status, phase: '', done: 0, total: 0 }
  const nowhere = { projectId: null, runId: null, modelId: null, startedAtMs: 0, leftMs: null }
  page.tell('job.changed', { ...ended, ...nowhere, problem: status === 'failed' ? problem : null })
  await new Promise((resolve) => setTimeout(resolve))
}

test('it is written, then there; one run is not called several', async () => {
  useActivity()
  const { said, place, follow } = useBundleBeingWritten()
  expect([said.value, place.value]).toEqual(['', ''])
  void follow('job-1', 1)
  expect([said.value, place.value]).toEqual([
    'A bundle of this run is being written.',
    'It will stand in Settings, Journal.',
  ])
  await end('job-1', 'done')
  expect([said.value, place.value]).toEqual([
    'The bundle of this run is written.',
    'It stands in Settings, Journal.',
  ])
  void follow('job-2', 3)
  await end('job-2', 'done')
  expect(said.value).toBe('The bundle of these 3 runs is written.')
})

test('one that failed or was stopped is nowhere, and only the newest is told of', async () => {
  const { said, place, problem: found, follow } = useBundleBeingWritten()
  void follow('job-3', 2)
  await end('job-3', 'failed')
  expect([said.value, place.value, found.value?.code]).toEqual(['', '', 'disk.full'])
  void follow('job-4', 2)
  expect(found.value).toBe(null)
  void follow('job-5', 1)
  await end('job-4', 'done')
  expect(said.value).toBe('A bundle of this run is being written.')
  await end('job-5', 'cancelled')
  expect([said.value, place.value]).toEqual(['Stopped. No bundle was written.', ''])
})
