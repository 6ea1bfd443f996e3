// The core process as the window program sees it: calls in, replies and events out, children started for it. When it dies
// or falls silent it is started again once; what it had under way is over, and the journal says so.
import type { ChildExit, ChildPort, EntryLauncher } from '#core/system/launcher.ts'
import type { Reply } from '#shared/contract/dispatch.ts'
import { createPendingCalls } from '#shared/contract/pending-calls.ts'
import type { FromCore, ToCore } from '#shared/core-protocol.ts'
import { fail, type Problem, type Result } from '#shared/result.ts'
import { type CoreChildren, createCoreChildren } from './core-children.ts'
import { type SilenceWatch, watchSilence } from './silence-watch.ts'

export type CoreState = 'starting' | 'open' | 'down'

export interface CoreOptions {
  readonly home: string
  readonly launcher: EntryLauncher
  moveToBin(path: string): Promise<Result<void>>
  onEvent(event: string, payload: unknown): void
  /** `problem` where it is down for good; null where it is starting or open (again). */
  onState(state: CoreState, problem: Problem | null): void
  /** Sentences about the journal that a person should read once. */
  onNotices(notices: readonly string[]): void
}

export interface CoreProcess {
  readonly state: CoreState
  /** Never rejects. While the core starts calls wait; without one they are `connection.lost`. */
  call(name: unknown, input: unknown): Promise<Reply>
  picked(handle: string, path: string): void
  /** Where an export lies; null for an unknown one. */
  exportPlace(exportId: string): Promise<string | null>
  /** Resolves when runs have saved a checkpoint, the journal is closed and the process is gone. */
  close(): Promise<void>
}

/** A core that lived so long may be started again when it dies. */
const healthyMs = 10 * 60_000
/** Saving the checkpoint of a large model takes long on a slow disk. */
const closeLimitMs = 180_000

interface StartedCore {
  readonly port: ChildPort
  readonly children: CoreChildren
  readonly silence: SilenceWatch
  readonly startedMs: number
}

export function createCoreProcess(options: CoreOptions): CoreProcess {
  const tell = (message: ToCore): void => current.port.send(message)
  const calls = createPendingCalls(tell)
  const places = createPlaceQuestions(tell)
  let state: CoreState = 'starting'
  let isFreshStart = true
  let onClosed: (() => void) | null = null
  let failure: Problem | null = null
  let current = start()

  function setState(next: CoreState, problem: Problem | null = null): void {
    state = next
    options.onState(next, problem)
  }

  function start(): StartedCore {
    const port = options.launcher.launch('core')
    const started: StartedCore = {
      port,
      children: createCoreChildren(port, options.launcher),
      silence: watchSilence(() => port.kill()),
      startedMs: Date.now(),
    }
    port.onMessage((message) => {
      started.silence.heard()
      hear(started, message as FromCore)
    })
    port.onExit((exit) => end(started, exit))
    port.send({ kind: 'open', home: options.home } satisfies ToCore)
    return started
  }

  function hear(core: StartedCore, message: FromCore): void {
    if (message.kind === 'reply') calls.answer(message.id, message.reply)
    else if (message.kind === 'place') places.answer(message.id, message.place)
    else if (message.kind === 'event') options.onEvent(message.event, message.payload)
    else if (message.kind === 'opened') {
      calls.open()
      setState('open')
      if (message.notices.length > 0) options.onNotices(message.notices)
    } else if (message.kind === 'failed') {
      failure = message.problem
      core.port.kill()
    } else if (message.kind === 'moveToBin') {
      const { id } = message
      void options.moveToBin(message.path).then((result) => core.port.send({ kind: 'binAnswer', id, result }))
    } else core.children.hear(message)
  }

  /** Nobody waits for an answer that will not come, and no child outlives the core that watched it. */
  function end(core: StartedCore, exit: ChildExit): void {
    core.silence.stop()
    core.children.killAll()
    const problem = failure ?? deadCore(exit)
    calls.giveUp(() => fail(problem))
    places.giveUp()
    const mayStartAgain = isFreshStart || Date.now() - core.startedMs > healthyMs
    if (onClosed) onClosed()
    else if (failure !== null || !mayStartAgain) setState('down', problem)
    else {
      isFreshStart = false
      setState('starting')
      current = start()
    }
  }

  return {
    get state() {
      return state
    },
    call: (name, input) =>
      state === 'down' ? Promise.resolve(fail(failure ?? deadCore(null))) : calls.ask(name, input),
    picked: (handle, path) => tell({ kind: 'picked', handle, path }),
    exportPlace: (exportId) => (state === 'open' ? places.ask(exportId) : Promise.resolve(null)),
    close: () =>
      new Promise((resolve) => {
        if (state === 'down') return resolve()
        onClosed = resolve
        current.silence.stop()
        tell({ kind: 'close' })
        setTimeout(() => current.port.kill(), closeLimitMs).unref()
      }),
  }
}

interface PlaceQuestions {
  ask(exportId: string): Promise<string | null>
  answer(id: number, place: string | null): void
  giveUp(): void
}

function createPlaceQuestions(tell: (message: ToCore) => void): PlaceQuestions {
  const waiting = new Map<number, (place: string | null) => void>()
  let asked = 0
  return {
    ask(exportId) {
      asked += 1
      const id = asked
      tell({ kind: 'exportPlace', id, exportId })
      return new Promise((resolve) => waiting.set(id, resolve))
    },
    answer(id, place) {
      waiting.get(id)?.(place)
      waiting.delete(id)
    },
    giveUp() {
      for (const resolve of waiting.values()) resolve(null)
      waiting.clear()
    },
  }
}

const deadCore = (exit: ChildExit | null): Problem => ({
  code: 'connection.lost',
  message: 'The part of Tunewright that keeps your projects stopped. What was saved is safe.',
  where: 'core process',
  remedy: 'Runs that were under way can be continued from their last checkpoint.',
  ...(exit === null ? {} : { details: `exit code ${exit.code}, signal ${exit.signal}\n${exit.lastWords}` }),
})
