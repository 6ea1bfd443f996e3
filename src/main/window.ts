// The one window: its size and place remembered, sandboxed, without Node.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, BrowserWindow, screen } from 'electron'
import { pageOrigin } from './own-page.ts'

interface WindowState {
  readonly width: number
  readonly height: number
  readonly x?: number
  readonly y?: number
  readonly isMaximized: boolean
}

const usual: WindowState = { width: 1280, height: 800, isMaximized: false }
const smallest = { width: 640, height: 480 }
const stateFile = (): string => join(app.getPath('userData'), 'window.json')

/** The remembered state where it is one and lies on a screen that is there. */
function rememberedState(): WindowState {
  try {
    const { width, height, x, y, isMaximized } = JSON.parse(readFileSync(stateFile(), 'utf8'))
    if (![width, height, x, y].every(Number.isInteger) || width < smallest.width || height < smallest.height)
      return usual
    const { workArea } = screen.getDisplayMatching({ x, y, width, height })
    const isSeen =
      x < workArea.x + workArea.width &&
      y < workArea.y + workArea.height &&
      x + width > workArea.x &&
      y >= workArea.y
    return isSeen ? { width, height, x, y, isMaximized: isMaximized === true } : usual
  } catch {
    return usual
  }
}

function remember(window: BrowserWindow): void {
  try {
    const state: WindowState = { ...window.getNormalBounds(), isMaximized: window.isMaximized() }
    writeFileSync(stateFile(), JSON.stringify(state))
  } catch {
    // The next start takes the usual size.
  }
}

/** The page is loaded by `showPage`, so that what guards it stands before. */
export function createWindow(): BrowserWindow {
  const { isMaximized, ...bounds } = rememberedState()
  const window = new BrowserWindow({
    ...bounds,
    minWidth: smallest.width,
    minHeight: smallest.height,
    show: false,
    title: 'Tunewright',
    backgroundColor: '#fafaf9',
    webPreferences: {
      preload: join(__dirname, '../preload/index.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    },
  })
  window.once('ready-to-show', () => {
    if (isMaximized) window.maximize()
    window.show()
  })
  window.on('close', () => remember(window))
  return window
}

export const showPage = (window: BrowserWindow): Promise<void> => window.loadURL(`${pageOrigin}/`)

/** Also where it is minimised or hidden. */
export function bringToFront(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
