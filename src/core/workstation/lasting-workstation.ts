// A workstation that outlives its journal: where a backup takes the journal's place, everything is closed, the file is
// exchanged, and everything is opened anew, while host and page go on talking to the same handlers.
import { type RestoreReport, restoreBackup } from '#journal/restore.ts'
import { type AnyHandlers, coreCalls, type Handler } from '#shared/contract/index.ts'
import { attempt, attemptAsync, fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import { openLibrary } from '../system/library.ts'
import { createWorkstation, type Workstation, type WorkstationOptions } from './workstation.ts'

type Restore = Handler<'journal.restore'>

/** Problems: those of createWorkstation. */
export function createLastingWorkstation(options: WorkstationOptions): Result<Workstation> {
  return attempt(() => {
    let current = unwrap(createWorkstation(options))
    /** While the file is exchanged nobody is answered from it. */
    let isRestoring = false
    const listeners = new Set<Parameters<Workstation['onEvent']>[0]>()
    const follow = (): void => {
      current.onEvent((event, payload) => {
        for (const listener of listeners) listener(event, payload)
      })
    }
    follow()

    const restore: Restore = async ({ name }) => {
      if (isRestoring) return fail(restoring())
      const working = current.workUnderWay()
      if (working !== null) return fail(working)
      isRestoring = true
      try {
        await current.close()
        const report = restoreBackup(openLibrary(options.home).journalPath, name)
        const opened = createWorkstation(options)
        if (opened.ok) {
          current = opened.value
          follow()
        }
        if (!report.ok) return report
        unwrap(opened)
        for (const listener of listeners) listener('journal.changed', { isDamaged: current.damage !== null })
        return ok(plainReport(report.value))
      } finally {
        isRestoring = false
      }
    }

    const answer = (name: string) => (input: never) => {
      if (isRestoring) return fail(restoring())
      return current.handlers[name]?.(input)
    }
    const handlers: AnyHandlers = {
      ...Object.fromEntries(Object.keys(coreCalls).map((name) => [name, answer(name)])),
      'journal.restore': (input: Parameters<Restore>[0]) =>
        attemptAsync(async () => unwrap(await restore(input))),
    }
    return {
      get library() {
        return current.library
      },
      handlers,
      get damage() {
        return current.damage
      },
      get interruptedRuns() {
        return current.interruptedRuns
      },
      get notices() {
        return current.notices
      },
      workUnderWay: () => current.workUnderWay(),
      onEvent(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      close: () => current.close(),
    }
  })
}

const plainReport = ({ backupAtMs, damagedKeptAs, skipped, missing }: RestoreReport) => ({
  backupAtMs,
  damagedKeptAs,
  skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  missing: missing === null ? null : missing.map((one) => ({ ...one })),
})

const restoring = (): Problem => ({
  code: 'journal.locked',
  message: 'A backup is taking the journal’s place at the moment.',
  where: 'the journal',
  remedy: 'Wait a few seconds and try again.',
})
