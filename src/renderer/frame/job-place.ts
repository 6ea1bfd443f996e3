// On which screen a job is at home, and what stands in the queue.
import type { QueueItem } from '#shared/contract/studies.ts'
import type { Job } from '#shared/contract/system.ts'

export function jobPlace(job: Pick<Job, 'kind' | 'projectId' | 'runId'>): string {
  switch (job.kind) {
    case 'advice':
      return job.projectId === null ? '/' : `/projects/${job.projectId}/advice`
    case 'proof':
      return job.runId === null ? '/experiments' : `/runs/${job.runId}/proof`
    case 'export':
      return job.runId === null ? '/experiments' : `/runs/${job.runId}/use`
    case 'model':
      return '/models'
    case 'speed':
    case 'engine':
      return '/settings#devices'
    case 'journal':
      return '/settings#journal'
  }
}

export const queuePlace = ({ kind, id }: Pick<QueueItem, 'kind' | 'id'>): string =>
  kind === 'study' ? `/studies/${id}` : `/runs/${id}/training`
