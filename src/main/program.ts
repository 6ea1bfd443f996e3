// The desktop program put together: core, page, window, tray, and the end of all of them. No product logic, no SQL, no
// parsing.
import { app, dialog, Notification, shell } from 'electron'
import { defaultHome } from '#core/system/library.ts'
import { pageFolder } from '#core/system/program-places.ts'
import { binProblem } from '#core/system/system-bin.ts'
import { describeProblem, fail, ok, type Problem, type Result } from '#shared/result.ts'
import { closingOf } from './closing.ts'
import { type CoreProcess, createCoreProcess } from './core-process.ts'
import { endInOrder } from './ending.ts'
import { createHostHandlers } from './host-handlers.ts'
import { createLauncher } from './launch.ts'
import { setMenu } from './menu.ts'
import { tellOfDeadHelpers } from './page-faults.ts'
import { answerPages } from './page-link.ts'
import { servePageScheme } from './page-scheme.ts'
import { createProgramWindow, type ProgramWindow } from './program-window.ts'
import { refuseEverythingElse } from './refusals.ts'
import { createRouter } from './router.ts'
import { createRunWatch, type RunEnd, type RunWatch, type WatchedRun } from './run-watch.ts'
import { createRunTray, hasTray } from './tray.ts'
import { createWakefulness } from './wakefulness.ts'
import { words } from './words.ts'

export interface Program {
  /** A second start shows the window that is there. */
  show(): void
}

/** Called once, when Electron is ready. */
export function startProgram(): Program {
  let canHide = false
  const wakefulness = createWakefulness()
  const tray = createRunTray({ open: show, quit: () => app.quit() })
  const page = createProgramWindow({
    closing: () =>
      closingOf({
        isQuitting: ending.isUnderWay,
        activeRuns: watch.runs.length,
        keepsRunning: watch.keepsRunning,
        hasTray: canHide,
      }),
    onAway: () => followRuns(watch.runs),
  })
  const core = startCore(page, () => watch)
  const watch = createRunWatch({ call: core.call, onRuns: followRuns, onEnded: tellEnd })
  const ending = endInOrder({
    onBegin() {
      page.hide()
      tray.hide()
    },
    close: core.close,
  })

  function followRuns(runs: readonly WatchedRun[]): void {
    wakefulness.keepAwake(runs.length > 0)
    if (page.isAway && runs.length > 0 && !ending.isUnderWay) tray.show(runs)
    else tray.hide()
  }

  function tellEnd(name: string, end: RunEnd): void {
    if (page.window?.isFocused()) return
    const notification = new Notification({ ...words.ended[end](name), silent: true })
    notification.on('click', show)
    notification.show()
  }

  function show(): void {
    if (ending.isUnderWay) return
    page.show()
    tray.hide()
  }

  shutIn(page, core)
  page.show()
  void hasTray().then((isThere) => {
    canHide = isThere
  })
  return { show }
}

/** The core, its events and its fate told to page and run watch. */
function startCore(page: ProgramWindow, watch: () => RunWatch): CoreProcess {
  let wasOpen = false
  return createCoreProcess({
    home: process.env.TUNEWRIGHT_HOME || defaultHome(),
    launcher: createLauncher(),
    moveToBin,
    onEvent(event, payload) {
      watch().hear(event, payload)
      page.tell(event, payload)
    },
    onState(state, problem) {
      if (problem !== null) sayDown(problem)
      else if (state !== 'open') page.tell('connection.lost', {})
      else {
        void watch().refresh()
        // What the page knows may be of before.
        if (wasOpen) page.reload()
        wasOpen = true
      }
    },
    onNotices: sayNotices,
  })
}

/** What the page may reach stands before there is one. */
function shutIn(page: ProgramWindow, core: CoreProcess): void {
  const hostHandlers = createHostHandlers({
    window: () => page.window,
    picked: core.picked,
    exportPlace: core.exportPlace,
  })
  answerPages(createRouter({ hostHandlers, callCore: core.call }), () => page.window)
  refuseEverythingElse()
  tellOfDeadHelpers()
  servePageScheme(pageFolder)
  setMenu()
}

/** The core cannot go on: what happened and what helps, then the end. */
function sayDown(problem: Problem): void {
  const { title, quit } = words.coreDown
  const detail = describeProblem(problem)
  process.stderr.write(`${detail}\n`)
  const options = { type: 'error' as const, title, message: problem.message, detail, noLink: true }
  void dialog.showMessageBox({ ...options, buttons: [quit] }).then(() => app.quit())
}

/** The journal was opened, but a person should know this about it. */
function sayNotices(notices: readonly string[]): void {
  const { title, message, understood } = words.notices
  const options = { type: 'warning' as const, title, message, detail: notices.join('\n\n'), noLink: true }
  void dialog.showMessageBox({ ...options, buttons: [understood] })
}

async function moveToBin(path: string): Promise<Result<void>> {
  try {
    await shell.trashItem(path)
    return ok(undefined)
  } catch (error) {
    return fail(binProblem(path, error))
  }
}
