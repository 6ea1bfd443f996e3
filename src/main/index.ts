// Entry of the desktop program: one instance, the page's scheme, and the sandbox for everything, before anything is shown.
import { app } from 'electron'
import { registerPageScheme } from './page-scheme.ts'
import { type Program, startProgram } from './program.ts'

// As root Chromium runs only with --no-sandbox (test machines); a person who is not root never needs that switch.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()

if (app.requestSingleInstanceLock()) {
  let program: Program | null = null
  registerPageScheme()
  app.on('second-instance', () => program?.show())
  app.on('activate', () => program?.show())
  void app.whenReady().then(() => {
    program = startProgram()
  })
} else {
  app.quit()
}
