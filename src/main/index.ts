// Electron main: one window, the app:// scheme, and refusals. No product logic, no SQL, no parsing.
import { readFile } from 'node:fs/promises'
import { extname, join, relative, resolve } from 'node:path'
import { app, BrowserWindow, ipcMain, protocol, session } from 'electron'
import { openLibrary } from '#core/system/library.ts'
import { type BridgeCall, type BridgeOutput, bridgeCalls } from '#shared/bridge.ts'
import { bridgeChannel } from '#shared/bridge-channel.ts'
import { isOwnPage, pageOrigin } from './own-page.ts'

const pageRoot = resolve(__dirname, '../renderer')
const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

// As root Chromium runs only with --no-sandbox (test machines); a person who is not root never needs that switch.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true } }])

/** Serves the built page and nothing outside its folder. */
async function servePage(url: string): Promise<Response> {
  const path = decodeURIComponent(new URL(url).pathname)
  const file = join(pageRoot, path === '/' ? 'index.html' : path)
  const inside = relative(pageRoot, file)
  const contentType = contentTypes[extname(file)]
  if (inside.startsWith('..') || contentType === undefined) return new Response('not found', { status: 404 })
  try {
    return new Response(new Uint8Array(await readFile(file)), {
      headers: {
        'content-type': contentType,
        'content-security-policy': contentPolicy,
        'x-content-type-options': 'nosniff',
      },
    })
  } catch {
    return new Response('not found', { status: 404 })
  }
}

/** Offline by construction: every request but the page's own is cancelled, every permission and window denied. */
function refuseEverythingElse(): void {
  session.defaultSession.webRequest.onBeforeRequest((details, answer) =>
    answer({ cancel: !isOwnPage(details.url) }),
  )
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.defaultSession.setPermissionCheckHandler(() => false)
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  })
}

const answers: { [C in BridgeCall]: () => BridgeOutput<C> } = {
  'app.about': () => ({ name: 'Tunewright', version: app.getVersion(), home: openLibrary().home }),
}

function answerBridge(): void {
  ipcMain.handle(bridgeChannel, (event, name: unknown, input: unknown) => {
    const frame = event.senderFrame
    if (!frame || frame.parent !== null || !isOwnPage(frame.url))
      throw new Error('this page may not call the application')
    if (typeof name !== 'string' || !Object.hasOwn(bridgeCalls, name)) throw new Error('unknown call')
    const call = name as BridgeCall
    bridgeCalls[call].input.parse(input)
    return answers[call]()
  })
}

async function openWindow(): Promise<void> {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 640,
    show: false,
    backgroundColor: '#fafaf9',
    webPreferences: {
      preload: join(__dirname, '../preload/index.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    },
  })
  window.once('ready-to-show', () => window.show())
  await window.loadURL(`${pageOrigin}/`)
}

if (app.requestSingleInstanceLock()) {
  app.on('window-all-closed', () => app.quit())
  app.whenReady().then(async () => {
    protocol.handle('app', (request) => servePage(request.url))
    refuseEverythingElse()
    answerBridge()
    await openWindow()
  })
} else {
  app.quit()
}
