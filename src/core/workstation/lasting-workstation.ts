// A workstation that outlives its journal: where a backup takes the journal's place, everything is closed, the file is
// exchanged, and everything is opened anew, while host and page go on talking to the same handlers.
import { type AnyHandlers, coreCalls, type Handler } from '#shared/contract/index.ts'
import { attempt, attemptAsync, fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import { goBack, type WentBack } from '../archive/go-back.ts'
import { openLibrary } from '../system/library.ts'
import { withTypedProblems } from './typed-replies.ts'
import { createWorkstation, type Workstation, type WorkstationOptions } from './workstation.ts'

/** Problems: those of createWorkstation. */
export function createLastingWorkstation(options: WorkstationOptions): Result<Workstation> {
  return attempt(() => {
    let current = unwrap(createWorkstation({ ...options, isLasting: true }))
    /** While the file is exchanged nobody is answered from it. */
    let isReopening = false
    let isClosed = false
    let exchanged: Promise<unknown> = Promise.resolve()
    const listeners = new Set<Parameters<Workstation['onEvent']>[0]>()
    const follow = (): void => {
      current.onEvent((event, payload) => {
        for (const listener of listeners) listener(event, payload)
      })
    }
    follow()

    /** Closes everything, does `work` on the file, and opens everything, however the work ended. */
    function reopen<T>(work: () => Result<T>, acceptsChanges = false): Result<T> | Promise<Result<T>> {
      if (isReopening || isClosed) return fail(reopening())
      const working = current.workUnderWay()
      if (working !== null) return fail(working)
      isReopening = true
      const reopened = exchange(work, acceptsChanges)
      exchanged = reopened
      return reopened
    }

    async function exchange<T>(work: () => Result<T>, acceptsChanges: boolean): Promise<Result<T>> {
      try {
        // A journal that rotted while it was open cannot be closed in order; that is why it is exchanged.
        await attemptAsync(() => current.close())
        const done = work()
        const opened = createWorkstation({ ...options, isLasting: true, acceptsChanges })
        if (!opened.ok) return opened
        current = opened.value
        follow()
        const changed = { isDamaged: current.damage !== null, isExchanged: done.ok }
        for (const listener of listeners) listener('journal.changed', changed)
        return done
      } finally {
        isReopening = false
      }
    }

    const restore: Handler<'journal.restore'> = async ({ name }) =>
      reopen(() => attempt(() => plainReport(unwrap(goBack(openLibrary(options.home).journalPath, name)))))
    const accept: Handler<'journal.accept'> = () => reopen(() => ok({}), true)

    const answer = (name: string) => (input: never) => {
      if (isReopening) return fail(reopening())
      return current.handlers[name]?.(input)
    }
    const handlers: AnyHandlers = {
      ...Object.fromEntries(Object.keys(coreCalls).map((name) => [name, answer(name)])),
      ...withTypedProblems({ 'journal.restore': restore, 'journal.accept': accept }),
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
      async close() {
        isClosed = true
        // What is being opened at the moment would stay open.
        await exchanged.catch(() => {})
        await current.close()
      },
    }
  })
}

const plainReport = ({ backupAtMs, backedUpAs, keptAs, skipped, missing, alsoLost }: WentBack) => ({
  backupAtMs,
  backedUpAs,
  keptAs,
  skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  missing: missing === null ? null : missing.map((one) => ({ ...one })),
  alsoLost: alsoLost === null ? null : { ...alsoLost },
})

const reopening = (): Problem => ({
  code: 'journal.locked',
  message: 'The journal is being opened anew at the moment.',
  where: 'the journal',
  remedy: 'Wait a few seconds and try again.',
})
