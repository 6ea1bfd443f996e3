// What the program works on: training runs and jobs. The pill in the frame shows it, screens wait for jobs through it.
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { ActiveRunState, Job } from '#shared/contract/system.ts'
import { api } from '../api.ts'

export const useActivity = defineStore('activity', () => {
  const runs = shallowRef<readonly ActiveRunState[]>([])
  /** By id; ended ones stay until the page is closed, so that a screen opened late still sees how they ended. */
  const jobs = shallowRef<ReadonlyMap<string, Job>>(new Map())
  /** Those who wait for a job, by its id. */
  const waiting = new Map<string, ((job: Job) => void)[]>()

  function note(job: Job): void {
    jobs.value = new Map(jobs.value).set(job.id, job)
    if (job.status === 'running') return
    for (const resolve of waiting.get(job.id) ?? []) resolve(job)
    waiting.delete(job.id)
  }

  async function load(): Promise<void> {
    const reply = await api.call('system.activity', {})
    if (!reply.ok) return
    runs.value = reply.value.runs
    for (const job of reply.value.jobs) note(job)
  }

  /** The job once it has ended, well or not. */
  function ended(jobId: string): Promise<Job> {
    const known = jobs.value.get(jobId)
    if (known && known.status !== 'running') return Promise.resolve(known)
    return new Promise((resolve) => waiting.set(jobId, [...(waiting.get(jobId) ?? []), resolve]))
  }

  const cancel = (jobId: string) => api.call('jobs.cancel', { jobId })
  const job = (jobId: string): Job | undefined => jobs.value.get(jobId)
  const runningJobs = computed(() => [...jobs.value.values()].filter(({ status }) => status === 'running'))

  api.on('job.changed', note)
  api.on('activity.changed', (changed) => {
    runs.value = changed.runs
  })

  return { runs, jobs, runningJobs, load, ended, cancel, job }
})
