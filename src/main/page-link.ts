// Between one window and the rest of the program: calls of its page through the router, events to it in batches.
import { BrowserWindow, ipcMain, type WebFrameMain } from 'electron'
import { createOutbox, type Outbox } from '#core/system/outbox.ts'
import { bridgeChannel, eventsChannel } from '#shared/bridge-channel.ts'
import type { Asker, Router } from './router.ts'

/** Asks of every window come here; the router decides. */
export function answerPages(router: Router, ownWindow: () => BrowserWindow | null): void {
  ipcMain.handle(bridgeChannel, ({ sender, senderFrame }, name: unknown, input: unknown) => {
    const isOwnWindow = BrowserWindow.fromWebContents(sender) === ownWindow() && ownWindow() !== null
    return router(askerOf(senderFrame, sender.mainFrame, isOwnWindow), name, input)
  })
}

function askerOf(frame: WebFrameMain | null, mainFrame: WebFrameMain, isOwnWindow: boolean): Asker | null {
  if (!frame) return null
  return { url: frame.url, isMainFrame: frame === mainFrame && frame.parent === null, isOwnWindow }
}

export function eventsTo(window: BrowserWindow): Outbox {
  const outbox = createOutbox({
    send: (events) => {
      if (!window.isDestroyed()) window.webContents.send(eventsChannel, events)
    },
    // The pipe to a page shows no backlog; batches keep it short.
    waitingBytes: () => 0,
    giveUp: () => window.webContents.reload(),
  })
  window.on('closed', () => outbox.close())
  return outbox
}
