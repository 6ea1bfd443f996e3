// The one bridge between page and application. It passes calls by name and nothing else: no paths, no process, no secrets.
import { contextBridge, ipcRenderer } from 'electron'
import type { Bridge } from '#shared/bridge.ts'
import { bridgeChannel } from '#shared/bridge-channel.ts'

const bridge: Bridge = {
  call: (name, input) => ipcRenderer.invoke(bridgeChannel, name, input),
}

contextBridge.exposeInMainWorld('tunewright', bridge)
