// The desktop program put together: core, page, window, tray, and the end of all of them. No product logic, no SQL, no
// parsing.
import { app, type BrowserWindow, dialog, Notification, shell } from 'electron'
import { defaultHome } from '#core/system/library.ts'
import type { Outbox } from '#core/system/outbox.ts'
import { pageFolder } from '#core/system/program-places.ts'
import { binProblem } from '#core/system/system-bin.ts'
import { describeProblem, fail, ok, type Problem, type Result } from '#shared/result.ts'
import { closingOf } from './closing.ts'
import { type CoreState, createCoreProcess } from './core-process.ts'
import { createHostHandlers } from './host-handlers.ts'
import { createLauncher } from './launch.ts'
import { setMenu } from './menu.ts'
import { answerPages, eventsTo } from './page-link.ts'
import { servePageScheme } from './page-scheme.ts'
import { refuseEverythingElse } from './refusals.ts'
import { createRouter } from './router.ts'
import { createRunWatch, type RunEnd, type WatchedRun } from './run-watch.ts'
import { createRunTray, hasTray } from './tray.ts'
import { createWakefulness } from './wakefulness.ts'
import { bringToFront, createWindow, reloadDeadPage, showPage } from './window.ts'
import { words } from './words.ts'

export interface Program {
  /** A second start shows the window that is there. */
  show(): void
}

/** Called once, when Electron is ready. */
export function startProgram(): Program {
  let window: BrowserWindow | null = null
  let outbox: Outbox | null = null
  let isQuitting = false
  let wasOpen = false
  let canHide = false
  const wakefulness = createWakefulness()
  const tray = createRunTray({ open: show, quit: () => app.quit() })
  const core = createCoreProcess({
    home: process.env.TUNEWRIGHT_HOME || defaultHome(),
    launcher: createLauncher(),
    moveToBin,
    onEvent(event, payload) {
      watch.hear(event, payload)
      outbox?.add(event, payload)
    },
    onState: followCore,
  })
  const watch = createRunWatch({ call: core.call, onRuns: followRuns, onEnded: tellEnd })

  function followCore(state: CoreState, problem: Problem | null): void {
    if (problem !== null) sayDown(problem)
    else if (state !== 'open') outbox?.add('connection.lost', {})
    else {
      void watch.refresh()
      // What the page knows may be of before: it asks for everything again.
      if (wasOpen) window?.webContents.reload()
      wasOpen = true
    }
  }

  function followRuns(runs: readonly WatchedRun[]): void {
    wakefulness.keepAwake(runs.length > 0)
    const isAway = window === null || !window.isVisible() || window.isMinimized()
    if (isAway && runs.length > 0) tray.show(runs)
    else tray.hide()
  }

  function tellEnd(name: string, end: RunEnd): void {
    if (window?.isFocused()) return
    const notification = new Notification({ ...words.ended[end](name), silent: true })
    notification.on('click', show)
    notification.show()
  }

  function show(): void {
    if (window === null) openWindow()
    else bringToFront(window)
    tray.hide()
  }

  function openWindow(): void {
    const opened = createWindow()
    window = opened
    outbox = eventsTo(opened)
    opened.on('close', (event) => {
      const { runs, keepsRunning } = watch
      const closing = closingOf({ isQuitting, activeRuns: runs.length, keepsRunning, hasTray: canHide })
      if (closing === 'end') return
      event.preventDefault()
      if (closing === 'hide') opened.hide()
      else opened.minimize()
      followRuns(runs)
    })
    opened.on('closed', () => {
      window = null
      outbox = null
    })
    reloadDeadPage(opened)
    void showPage(opened)
  }

  answerPages(
    createRouter({
      hostHandlers: createHostHandlers({
        window: () => window,
        picked: core.picked,
        exportPlace: core.exportPlace,
      }),
      callCore: core.call,
    }),
    () => window,
  )
  app.on('window-all-closed', () => app.quit())
  app.on('before-quit', (event) => {
    if (isQuitting) return
    isQuitting = true
    event.preventDefault()
    window?.hide()
    tray.hide()
    void core.close().then(() => app.quit())
  })
  refuseEverythingElse()
  servePageScheme(pageFolder)
  setMenu()
  openWindow()
  void hasTray().then((isThere) => {
    canHide = isThere
  })
  return { show }
}

/** The core cannot go on: what happened and what helps, then the end. */
function sayDown(problem: Problem): void {
  const { title, quit } = words.coreDown
  process.stderr.write(`${describeProblem(problem)}\n`)
  const options = {
    type: 'error' as const,
    title,
    message: problem.message,
    detail: describeProblem(problem),
  }
  void dialog.showMessageBox({ ...options, buttons: [quit], noLink: true }).then(() => app.quit())
}

async function moveToBin(path: string): Promise<Result<void>> {
  try {
    await shell.trashItem(path)
    return ok(undefined)
  } catch (error) {
    return fail(binProblem(path, error))
  }
}
