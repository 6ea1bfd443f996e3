// The built page's files for whatever shows them: Electron's own scheme or the browser host. Gives nothing outside the
// page's folder and nothing but the kinds of files a page is made of; every answer carries the page's policy.
import { readFile, realpath } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'

export interface PageFile {
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** `connectTo`: what besides its own origin the page may connect to, e.g. the address of its socket. */
export function contentPolicy(connectTo: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    ['connect-src', "'self'", ...connectTo].join(' '),
    "worker-src 'self'",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The file behind the path of an address; null for everything that is not one of the page's files. */
export async function readPageFile(
  root: string,
  addressPath: string,
  policy: string,
): Promise<PageFile | null> {
  const path = plainPath(addressPath)
  const contentType = path === null ? undefined : contentTypes[extname(path)]
  if (path === null || contentType === undefined) return null
  try {
    const file = await realpath(join(root, path))
    const inside = relative(await realpath(root), file)
    if (inside.startsWith('..') || inside.startsWith(sep) || inside === '') return null
    return {
      bytes: new Uint8Array(await readFile(file)),
      headers: {
        'content-type': contentType,
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
      },
    }
  } catch {
    return null
  }
}

/** Plain names between slashes. What Windows reads as a drive, a stream or another separator is no page's name. */
function plainPath(addressPath: string): string | null {
  let path: string
  try {
    path = decodeURIComponent(addressPath)
  } catch {
    return null
  }
  if (path === '/') return 'index.html'
  const parts = path.split('/').slice(1)
  const isPlain = path.startsWith('/') && parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part))
  return isPlain ? parts.join('/') : null
}
