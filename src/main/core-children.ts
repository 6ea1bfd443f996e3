// The children that the window program starts for its core, because only it can: messages are passed on by number, both
// ways.
import type { ChildPort, Launcher, ProcessName } from '#core/system/launcher.ts'
import type { FromCore, ToCore } from '#shared/core-protocol.ts'

export interface CoreChildren {
  /** Messages of the core that concern a child; others are none of its business. */
  hear(message: FromCore): void
  killAll(): void
}

export function createCoreChildren(core: ChildPort, launcher: Launcher): CoreChildren {
  const children = new Map<number, ChildPort>()
  const tell = (message: ToCore): void => core.send(message)

  function launch(child: number, name: ProcessName): void {
    const port = launcher.launch(name)
    children.set(child, port)
    let isPidTold = false
    /** A utility process has its number a moment after its start. */
    const tellPid = (): void => {
      if (isPidTold || port.pid === undefined) return
      isPidTold = true
      tell({ kind: 'childStarted', child, pid: port.pid })
    }
    tellPid()
    port.onMessage((message) => {
      tellPid()
      tell({ kind: 'childMessage', child, message })
    })
    port.onExit((exit) => {
      children.delete(child)
      tell({ kind: 'childExit', child, exit })
    })
  }

  return {
    hear(message) {
      if (message.kind === 'launch') launch(message.child, message.name as ProcessName)
      else if (message.kind === 'childSend') children.get(message.child)?.send(message.message)
      else if (message.kind === 'childKill') children.get(message.child)?.kill()
    },
    killAll() {
      for (const child of children.values()) child.kill()
    },
  }
}
