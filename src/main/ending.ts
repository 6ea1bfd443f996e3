// The one way out of the program. Whatever asks for the end, and however often (menu, tray, last window, Ctrl-C, a polite
// kill, the computer shutting down), it comes after runs have saved a checkpoint and the journal is closed.
import { app, powerMonitor } from 'electron'

export interface Ending {
  readonly isUnderWay: boolean
}

export interface EndingPorts {
  onBegin(): void
  /** Resolves when nothing is left to save. */
  close(): Promise<void>
}

/** When Electron is ready: its own answers to signals (the second one kills) are replaced. */
export function endInOrder({ onBegin, close }: EndingPorts): Ending {
  let isUnderWay = false
  let isSaved = false
  app.on('before-quit', (event) => {
    if (isSaved) return
    event.preventDefault()
    if (isUnderWay) return
    isUnderWay = true
    onBegin()
    void close().then(() => {
      isSaved = true
      app.quit()
    })
  })
  app.on('window-all-closed', () => app.quit())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())
  // Electron passes an event here; its types leave it out. The computer waits as long as it sees fit.
  const atShutdown = (event: Electron.Event): void => {
    event.preventDefault()
    app.quit()
  }
  powerMonitor.on('shutdown', atShutdown as () => void)
  return {
    get isUnderWay() {
      return isUnderWay
    },
  }
}
