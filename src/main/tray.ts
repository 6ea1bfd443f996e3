// The entry beside the clock while a run goes on behind a closed window.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Menu, nativeImage, Tray } from 'electron'
import { resourcePath } from '#core/system/program-places.ts'
import type { WatchedRun } from './run-watch.ts'
import { words } from './words.ts'

export interface RunTray {
  show(runs: readonly WatchedRun[]): void
  hide(): void
}

export interface TrayActions {
  open(): void
  quit(): void
}

/**
 * Whether this desktop shows such entries. Windows and macOS do; on Linux some desktops do not, and Electron cannot tell,
 * so the session's bus is asked for the service that shows them.
 */
export async function hasTray(): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const question = [
    '--session',
    '--print-reply',
    '--dest=org.freedesktop.DBus',
    '/',
    'org.freedesktop.DBus.NameHasOwner',
  ]
  try {
    const asked = await promisify(execFile)(
      'dbus-send',
      [...question, 'string:org.kde.StatusNotifierWatcher'],
      {
        timeout: 2_000,
      },
    )
    return asked.stdout.includes('boolean true')
  } catch {
    return false
  }
}

export function createRunTray(actions: TrayActions): RunTray {
  let tray: Tray | null = null
  return {
    show(runs) {
      tray ??= createTray(actions)
      tray.setToolTip(trayText(runs))
      tray.setContextMenu(trayMenu(runs, actions))
    },
    hide() {
      tray?.destroy()
      tray = null
    },
  }
}

const trayText = (runs: readonly WatchedRun[]): string =>
  runs.map(({ name, doneShare }) => words.tray.run(name, Math.floor(doneShare * 100))).join('\n') ||
  words.tray.idle

function createTray(actions: TrayActions): Tray {
  // Read and handed over as bytes: inside a package the file lies in an archive.
  const tray = new Tray(nativeImage.createFromBuffer(readFileSync(resourcePath('icons', 'tray.png'))))
  tray.on('click', () => actions.open())
  return tray
}

const trayMenu = (runs: readonly WatchedRun[], actions: TrayActions): Menu =>
  Menu.buildFromTemplate([
    { label: trayText(runs), enabled: false },
    { type: 'separator' },
    { label: words.tray.open, click: () => actions.open() },
    { label: words.tray.quit, click: () => actions.quit() },
  ])
