// Offline and shut by construction: what the window may not do, whatever its page asks for.
import { app, type Session, session } from 'electron'
import { isOwnPage } from './own-page.ts'

/** The page may put text on the clipboard when a person presses "Copy". Nothing else is granted to it. */
const granted: ReadonlySet<string> = new Set(['clipboard-sanitized-write'])

export function refuseEverythingElse(): void {
  shut(session.defaultSession)
  app.on('session-created', shut)
  app.on('web-contents-created', (_event, contents) => {
    for (const event of ['will-navigate', 'will-redirect', 'will-attach-webview'] as const)
      contents.on(event as 'will-navigate', (details) => details.preventDefault())
    contents.on('will-frame-navigate', (details) => details.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  })
}

function shut(target: Session): void {
  target.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isOwnPage(url) }))
  target.setPermissionRequestHandler((_contents, permission, answer) => answer(granted.has(permission)))
  target.setPermissionCheckHandler((_contents, permission) => granted.has(permission))
  target.setDevicePermissionHandler(() => false)
  target.on('will-download', (event) => event.preventDefault())
}
