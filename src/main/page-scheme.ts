// The page's own scheme, app://tunewright: the built files with their policy, and nothing else.
import { protocol } from 'electron'
import { contentPolicy, readPageFile } from '#core/system/page-files.ts'
import { isOwnPage } from './own-page.ts'

/** Before the program is ready. */
export function registerPageScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

export function servePageScheme(pageFolder: string): void {
  const policy = contentPolicy()
  protocol.handle('app', async ({ url, method }) => {
    const file =
      isOwnPage(url) && method === 'GET'
        ? await readPageFile(pageFolder, new URL(url).pathname, policy)
        : null
    if (file === null) return new Response('not found', { status: 404 })
    return new Response(new Uint8Array(file.bytes), { headers: file.headers })
  })
}
