// The core's launcher where the core may start nothing itself: it asks the window program, which starts the child and
// passes messages on by number.
import type { ChildExit, ChildPort, Launcher } from '#core/system/launcher.ts'
import type { FromCore, ToCore } from '#shared/core-protocol.ts'

export interface RemoteLauncher extends Launcher {
  /** Messages of the window program that concern a child. */
  hear(message: ToCore): void
}

interface RemoteChild {
  pid: number | undefined
  exit: ChildExit | null
  readonly messageListeners: ((message: unknown) => void)[]
  readonly exitListeners: ((exit: ChildExit) => void)[]
}

export function createRemoteLauncher(send: (message: FromCore) => void): RemoteLauncher {
  const children = new Map<number, RemoteChild>()
  let launched = 0
  return {
    launch(name) {
      launched += 1
      const child = launched
      const state: RemoteChild = { pid: undefined, exit: null, messageListeners: [], exitListeners: [] }
      children.set(child, state)
      send({ kind: 'launch', child, name })
      return portOf(child, state, send)
    },
    hear(message) {
      if (message.kind === 'childStarted') {
        const state = children.get(message.child)
        if (state) state.pid = message.pid
      } else if (message.kind === 'childMessage')
        for (const listener of children.get(message.child)?.messageListeners ?? []) listener(message.message)
      else if (message.kind === 'childExit') {
        const state = children.get(message.child)
        children.delete(message.child)
        if (!state) return
        state.exit = message.exit
        for (const listener of state.exitListeners) listener(message.exit)
      }
    },
  }
}

function portOf(child: number, state: RemoteChild, send: (message: FromCore) => void): ChildPort {
  return {
    get pid() {
      return state.pid
    },
    send: (message) => {
      if (state.exit === null) send({ kind: 'childSend', child, message })
    },
    onMessage: (listener) => {
      state.messageListeners.push(listener)
    },
    onExit: (listener) => {
      if (state.exit === null) state.exitListeners.push(listener)
      else listener(state.exit)
    },
    kill: () => {
      if (state.exit === null) send({ kind: 'childKill', child })
    },
  }
}
