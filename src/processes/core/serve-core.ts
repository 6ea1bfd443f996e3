// The core behind a port: opens the workstation once, answers calls by the contract, tells every event, and leaves to the
// window program what only that can do (the bin, starting processes).
import { exportPlace } from '#core/export/export-place.ts'
import type { HostPort } from '#core/workstation/context.ts'
import { createLastingWorkstation } from '#core/workstation/lasting-workstation.ts'
import type { Workstation } from '#core/workstation/workstation.ts'
import { dispatch } from '#shared/contract/index.ts'
import { coreHeartbeatMs, type FromCore, type ToCore } from '#shared/core-protocol.ts'
import { fail, type Problem, type Result } from '#shared/result.ts'
import { createRemoteLauncher } from './remote-launcher.ts'

export interface CorePort {
  send(message: FromCore): Promise<void>
  onMessage(listener: (message: unknown) => void): void
  exit(): void
}

export function serveCore(port: CorePort): void {
  const send = (message: FromCore): void => void port.send(message)
  const launcher = createRemoteLauncher(send)
  const host = remoteHost(send)
  let workstation: Workstation | null = null

  async function answer(id: number, name: unknown, input: unknown): Promise<void> {
    const reply = workstation ? await dispatch(workstation.handlers, name, input) : fail(notOpen(name))
    send({ kind: 'reply', id, reply })
  }

  function open(home: string): void {
    if (workstation) return
    const opened = createLastingWorkstation({ home, launcher, host: host.port })
    if (!opened.ok) {
      send({ kind: 'failed', problem: opened.problem })
      return
    }
    workstation = opened.value
    workstation.onEvent((event, payload) => send({ kind: 'event', event, payload }))
    send({ kind: 'opened', notices: workstation.notices })
  }

  async function close(): Promise<void> {
    await workstation?.close()
    await port.send({ kind: 'closed' })
    port.exit()
  }

  setInterval(() => send({ kind: 'heartbeat' }), coreHeartbeatMs)
  port.onMessage((raw) => {
    const message = raw as ToCore
    if (message.kind === 'open') open(message.home)
    else if (message.kind === 'call') void answer(message.id, message.name, message.input)
    else if (message.kind === 'exportPlace') {
      const place = workstation ? exportPlace(workstation.library, message.exportId) : null
      send({ kind: 'place', id: message.id, place })
    } else if (message.kind === 'close') void close()
    else if (message.kind === 'picked' || message.kind === 'binAnswer') host.hear(message)
    else launcher.hear(message)
  })
}

interface RemoteHost {
  readonly port: HostPort
  hear(message: ToCore): void
}

function remoteHost(send: (message: FromCore) => void): RemoteHost {
  const picked = new Map<string, string>()
  const waiting = new Map<number, (result: Result<void>) => void>()
  let asked = 0
  return {
    port: {
      kind: 'electron',
      moveToBin: (path) =>
        new Promise((resolve) => {
          asked += 1
          waiting.set(asked, resolve)
          send({ kind: 'moveToBin', id: asked, path })
        }),
      pickedPath: (handle) => picked.get(handle) ?? null,
    },
    hear(message) {
      if (message.kind === 'picked') picked.set(message.handle, message.path)
      if (message.kind !== 'binAnswer') return
      waiting.get(message.id)?.(message.result)
      waiting.delete(message.id)
    },
  }
}

const notOpen = (name: unknown): Problem => ({
  code: 'connection.lost',
  message: 'The library of Tunewright is not open.',
  where: String(name).slice(0, 60),
  remedy: 'Start Tunewright again.',
})
