// The program's one window with what hangs on it: the events to its page, what its closing means, a page that dies.
import type { BrowserWindow } from 'electron'
import type { Outbox } from '#core/system/outbox.ts'
import type { Closing } from './closing.ts'
import { reviveFaultyPage } from './page-faults.ts'
import { eventsTo } from './page-link.ts'
import { bringToFront, createWindow, showPage } from './window.ts'

export interface ProgramWindow {
  readonly window: BrowserWindow | null
  /** Nobody sees it: hidden, minimised or gone. */
  readonly isAway: boolean
  /** Opens it, or brings it to the front. */
  show(): void
  hide(): void
  tell(event: string, payload: unknown): void
  /** The page asks for everything again. */
  reload(): void
}

export interface WindowPorts {
  closing(): Closing
  /** It was closed and the program goes on. */
  onAway(): void
}

export function createProgramWindow(ports: WindowPorts): ProgramWindow {
  let window: BrowserWindow | null = null
  let outbox: Outbox | null = null

  function open(): void {
    const opened = createWindow()
    window = opened
    outbox = eventsTo(opened)
    opened.on('close', (event) => {
      const closing = ports.closing()
      if (closing === 'end') return
      event.preventDefault()
      if (closing === 'hide') opened.hide()
      else opened.minimize()
      ports.onAway()
    })
    opened.on('closed', () => {
      window = null
      outbox = null
    })
    reviveFaultyPage(opened)
    void showPage(opened)
  }

  return {
    get window() {
      return window
    },
    get isAway() {
      return window === null || !window.isVisible() || window.isMinimized()
    },
    show: () => (window === null ? open() : bringToFront(window)),
    hide: () => window?.hide(),
    tell: (event, payload) => outbox?.add(event, payload),
    reload: () => window?.webContents.reload(),
  }
}
