// What is done about a page that dies or hangs, and about a helper of the window that ends. Runs go on meanwhile: they have
// processes of their own.
import { app, type BrowserWindow, dialog } from 'electron'
import { ownServices } from './launch.ts'
import { words } from './words.ts'

/** A page that dies more often within this time is not helped by loading it again. */
const reloadWindowMs = 60_000
const reloadsAllowed = 3

/** Loads a dead page again, a few times by itself, then when a person says so; asks about one that hangs. */
export function reviveFaultyPage(window: BrowserWindow): void {
  const { webContents } = window
  let reloadedMs: number[] = []
  webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return
    const nowMs = Date.now()
    reloadedMs = reloadedMs.filter((atMs) => nowMs - atMs < reloadWindowMs)
    if (reloadedMs.length >= reloadsAllowed) return void offerReload(window, words.pageDied)
    reloadedMs.push(nowMs)
    webContents.reload()
  })
  let isAsking = false
  window.on('unresponsive', () => {
    if (isAsking) return
    isAsking = true
    void offerReload(window, words.pageHangs).finally(() => {
      isAsking = false
    })
  })
}

async function offerReload(
  window: BrowserWindow,
  { title, message, reload, leave }: typeof words.pageDied | typeof words.pageHangs,
): Promise<void> {
  const options = { type: 'warning' as const, title, message, buttons: [reload, leave], noLink: true }
  const { response } = await dialog.showMessageBox(window, { ...options, cancelId: 1 })
  if (response !== 0 || window.isDestroyed()) return
  // A page that hangs would not hear that it is to load again.
  if (!window.webContents.isCrashed()) window.webContents.forcefullyCrashRenderer()
  window.webContents.reload()
}

/**
 * The window's drawing process and the like come back by themselves; that they ended is said where a terminal listens. How
 * our own children end is told by whoever started them.
 */
export function tellOfDeadHelpers(): void {
  app.on('child-process-gone', (_event, { type, name, serviceName, reason, exitCode }) => {
    if (reason === 'clean-exit' || name?.startsWith(ownServices)) return
    process.stderr.write(words.helperGone(name || serviceName || type, reason, exitCode))
  })
}
