// The other end of core/system/launcher.ts, the same for a Node child and for an Electron utility process.
// (Imported, not taken from the global: the sandbox takes the global away.)
import process from 'node:process'

interface UtilityParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
}

export interface ParentPort {
  /** Resolves when the message is handed to the operating system, so that a final message is not lost on exit. */
  send(message: unknown): Promise<void>
  onMessage(listener: (message: unknown) => void): void
}

/** Connects to the process that launched this one. When that process is gone this one ends too: no orphans. */
export function connectParent(): ParentPort {
  const utility = (process as unknown as { parentPort?: UtilityParentPort }).parentPort
  if (utility)
    return {
      send: async (message) => utility.postMessage(message),
      onMessage: (listener) => utility.on('message', (event) => listener(event.data)),
    }
  process.on('disconnect', () => process.exit(0))
  return {
    send: (message) =>
      new Promise((resolve) => {
        if (process.send && process.connected) process.send(message, undefined, undefined, () => resolve())
        else resolve()
      }),
    onMessage: (listener) => {
      process.on('message', listener)
    },
  }
}
