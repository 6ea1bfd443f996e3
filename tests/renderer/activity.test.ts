// A screen waits for long work that may have begun before it was opened, and may be left before it ends.

import { expect, it } from 'vitest'
import { effectScope } from 'vue'
import type { Job } from '#shared/contract/system.ts'
import { openTestPage } from './support/page.ts'

const page = openTestPage({})
const { useActivity } = await import('#renderer/stores/activity.ts')
const { useRunningJob } = await import('#renderer/stores/running-job.ts')

const job = (status: Job['status'], id = 'j'): Job => ({
  id,
  kind: 'advice',
  title: 'Measuring',
  projectId: 'p',
  runId: null,
  modelId: null,
  status,
  phase: '',
  done: 0,
  total: 0,
  startedAtMs: 0,
  leftMs: null,
  problem: null,
})

it('tells everyone who waits for a job that it ended', async () => {
  const activity = useActivity()
  page.tell('job.changed', job('running'))
  const waiting = [activity.ended('j'), activity.ended('j')]
  page.tell('job.changed', job('done'))
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(['done', 'done'])
  expect((await activity.ended('j')).status).toBe('done')
})

it('follows a job that was under way before, and says nothing to a screen that was left', async () => {
  useActivity()
  page.tell('job.changed', job('running', 'k'))
  const ended: string[] = []
  const scopes = ['left', 'here'].map((name) => {
    const scope = effectScope()
    scope.run(() =>
      useRunningJob(
        ({ projectId }) => projectId === 'p',
        async ({ status }) => void ended.push(`${name} ${status}`),
      ),
    )
    return scope
  })
  scopes[0]?.stop()
  page.tell('job.changed', job('cancelled', 'k'))
  await expect.poll(() => ended).toEqual(['here cancelled'])
})

it('tells of work that failed before the page heard that it began', async () => {
  useActivity()
  page.tell('job.changed', job('failed', 'old'))
  const ended: string[] = []
  const scope = effectScope()
  scope.run(() =>
    useRunningJob(
      ({ projectId }) => projectId === 'p',
      async ({ id, status }) => void ended.push(`${id} ${status}`),
    ),
  )
  page.tell('job.changed', job('failed', 'quick'))
  await expect.poll(() => ended).toEqual(['quick failed'])
  scope.stop()
})
