// The core process as the window program sees it: calls in, replies and events out, children started for it. When it dies
// or falls silent it is started again once; what it had under way is over, and the journal says so.
import type { ChildExit, ChildPort, EntryLauncher, ProcessName } from '#core/system/launcher.ts'
import type { Reply } from '#shared/contract/dispatch.ts'
import { coreHeartbeatMs, type FromCore, type ToCore } from '#shared/core-protocol.ts'
import { fail, type Problem, type Result } from '#shared/result.ts'

export type CoreState = 'starting' | 'open' | 'down'

export interface CoreOptions {
  readonly home: string
  readonly launcher: EntryLauncher
  moveToBin(path: string): Promise<Result<void>>
  onEvent(event: string, payload: unknown): void
  /** `problem` where it is down for good; null where it is starting or open (again). */
  onState(state: CoreState, problem: Problem | null): void
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

/** Opening and migrating a large journal, or a long write, may keep the core from beating. */
const silentLimitMs = 120_000
/** A core that lived so long may be started again when it dies. */
const healthyMs = 10 * 60_000
/** A watch tick this late means the computer slept. */
const sleepGapMs = 10_000
/** Saving the checkpoint of a large model takes long on a slow disk. */
const closeLimitMs = 180_000

interface Started {
  readonly port: ChildPort
  readonly children: Map<number, ChildPort>
  readonly startedMs: number
  heardMs: number
}

export function createCoreProcess(options: CoreOptions): CoreProcess {
  const waiting = new Map<number, (reply: Reply) => void>()
  const waitingPlaces = new Map<number, (place: string | null) => void>()
  let unsent: ToCore[] = []
  let state: CoreState = 'starting'
  let calls = 0
  let restarts = 0
  let closing: { readonly resolve: () => void } | null = null
  let failure: Problem | null = null
  let current = start()

  function setState(next: CoreState, problem: Problem | null = null): void {
    state = next
    options.onState(next, problem)
  }

  function start(): Started {
    const nowMs = Date.now()
    const port = options.launcher.launch('core')
    const started: Started = { port, children: new Map(), startedMs: nowMs, heardMs: nowMs }
    port.onMessage((message) => {
      started.heardMs = Date.now()
      hear(started, message as FromCore)
    })
    port.onExit((exit) => end(started, exit))
    port.send({ kind: 'open', home: options.home } satisfies ToCore)
    return started
  }

  function hear(core: Started, message: FromCore): void {
    if (message.kind === 'reply') {
      waiting.get(message.id)?.(message.reply)
      waiting.delete(message.id)
    } else if (message.kind === 'place') {
      waitingPlaces.get(message.id)?.(message.place)
      waitingPlaces.delete(message.id)
    } else if (message.kind === 'event') options.onEvent(message.event, message.payload)
    else if (message.kind === 'opened') {
      for (const due of unsent) core.port.send(due)
      unsent = []
      setState('open')
    } else if (message.kind === 'failed') {
      failure = message.problem
      core.port.kill()
    } else serveCoreProcess(core, message, options)
  }

  /** Nobody waits for an answer that will not come, and no child outlives the core that watched it. */
  function end(core: Started, exit: ChildExit): void {
    for (const child of core.children.values()) child.kill()
    const problem = failure ?? deadCore(exit)
    for (const resolve of waiting.values()) resolve(fail(problem))
    for (const resolve of waitingPlaces.values()) resolve(null)
    waiting.clear()
    waitingPlaces.clear()
    if (closing) {
      closing.resolve()
      return
    }
    if (Date.now() - core.startedMs > healthyMs) restarts = 0
    if (failure !== null || restarts > 0) {
      clearInterval(watch)
      setState('down', problem)
      return
    }
    restarts += 1
    setState('starting')
    current = start()
  }

  let watchedMs = Date.now()
  const watch = setInterval(() => {
    const nowMs = Date.now()
    if (nowMs - watchedMs > sleepGapMs) current.heardMs = nowMs
    watchedMs = nowMs
    if (nowMs - current.heardMs > silentLimitMs) current.port.kill()
  }, coreHeartbeatMs)

  return {
    get state() {
      return state
    },
    call(name, input) {
      if (state === 'down') return Promise.resolve(fail(failure ?? deadCore(null)))
      calls += 1
      const message: ToCore = { kind: 'call', id: calls, name, input }
      const reply = new Promise<Reply>((resolve) => waiting.set(message.id, resolve))
      if (state === 'open') current.port.send(message)
      else unsent.push(message)
      return reply
    },
    picked: (handle, path) => current.port.send({ kind: 'picked', handle, path } satisfies ToCore),
    exportPlace(exportId) {
      if (state !== 'open') return Promise.resolve(null)
      calls += 1
      const id = calls
      current.port.send({ kind: 'exportPlace', id, exportId } satisfies ToCore)
      return new Promise((resolve) => waitingPlaces.set(id, resolve))
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(watch)
        if (state === 'down') return resolve()
        closing = { resolve }
        current.port.send({ kind: 'close' } satisfies ToCore)
        setTimeout(() => current.port.kill(), closeLimitMs).unref()
      }),
  }
}

/** What only the window program can do, done for the core. */
function serveCoreProcess(core: Started, message: FromCore, options: CoreOptions): void {
  const tell = (answer: ToCore): void => core.port.send(answer)
  if (message.kind === 'launch') {
    const { child } = message
    const port = options.launcher.launch(message.name as ProcessName)
    core.children.set(child, port)
    let isPidTold = false
    const tellPid = (): void => {
      if (isPidTold || port.pid === undefined) return
      isPidTold = true
      tell({ kind: 'childStarted', child, pid: port.pid })
    }
    tellPid()
    port.onMessage((inner) => {
      tellPid()
      tell({ kind: 'childMessage', child, message: inner })
    })
    port.onExit((exit) => {
      core.children.delete(child)
      tell({ kind: 'childExit', child, exit })
    })
  } else if (message.kind === 'childSend') core.children.get(message.child)?.send(message.message)
  else if (message.kind === 'childKill') core.children.get(message.child)?.kill()
  else if (message.kind === 'moveToBin') {
    const { id } = message
    void options.moveToBin(message.path).then((result) => tell({ kind: 'binAnswer', id, result }))
  }
}

const deadCore = (exit: ChildExit | null): Problem => ({
  code: 'connection.lost',
  message: 'The part of Tunewright that keeps your projects stopped. What was saved is safe.',
  where: 'core process',
  remedy: 'Runs that were under way can be continued from their last checkpoint.',
  ...(exit === null ? {} : { details: `exit code ${exit.code}, signal ${exit.signal}\n${exit.lastWords}` }),
})
