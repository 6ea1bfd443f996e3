// The one bridge between page and program: a transport of the contract. It passes calls by name and events, and nothing
// else: no paths, no process, no secrets, none of Electron's own objects.
import { contextBridge, ipcRenderer } from 'electron'
import { bridgeChannel, eventsChannel } from '#shared/bridge-channel.ts'
import type { Transport } from '#shared/contract/api.ts'

interface ToldEvent {
  readonly event: string
  readonly payload: unknown
}

const transport: Transport = {
  call: (name, input) => ipcRenderer.invoke(bridgeChannel, name, input),
  onEvent(listener) {
    const hear = (_sender: unknown, events: readonly ToldEvent[]): void => {
      for (const { event, payload } of events) listener(event, payload)
    }
    ipcRenderer.on(eventsChannel, hear)
    return () => {
      ipcRenderer.off(eventsChannel, hear)
    }
  },
}

contextBridge.exposeInMainWorld('tunewright', transport)
