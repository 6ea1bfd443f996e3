// This computer, the settings, what went over the network, work under way.
import { statfs } from 'node:fs/promises'
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync, ok } from '#shared/result.ts'
import type { LiveRuns } from '../training/live-runs.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { appVersion } from './app-version.ts'
import { describeMachine } from './machine.ts'
import type { CountingGate } from './network-gate.ts'

type SystemCallNames =
  | 'system.about'
  | 'system.network'
  | 'system.activity'
  | 'settings.get'
  | 'settings.set'
  | 'jobs.cancel'

export function createSystemHandlers(
  context: WorkstationContext,
  network: CountingGate,
  runs: LiveRuns,
): SomeHandlers<SystemCallNames> {
  const { library, host, settings, jobs, emit } = context
  return {
    'system.about': () =>
      attemptAsync(async () => {
        const machine = describeMachine()
        const { bavail, bsize } = await statfs(library.home)
        return {
          name: 'Tunewright',
          version: appVersion,
          home: library.home,
          host: host.kind,
          ...machine,
          freeDiskBytes: bavail * bsize,
        }
      }),
    'system.network': () => ok(network.use()),
    'system.activity': () => ok({ jobs: jobs.list(), runs: runs.list() }),
    'settings.get': () => ok(settings.get()),
    'settings.set': async (change) => {
      const done = await settings.set(change)
      if (done.ok && change.allowsDownloads !== undefined) emit('network.changed', network.use())
      return done
    },
    'jobs.cancel': ({ jobId }) => jobs.cancel(jobId),
  }
}
