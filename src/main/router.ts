// The one way from a page into the program. Who asks is checked first, then the name; `host.*` is answered here, all else
// by the core. Never throws, whatever comes: every answer is a Reply.
import { type AnyHandlers, dispatch, isCallName, type Reply } from '#shared/contract/index.ts'
import { fail } from '#shared/result.ts'
import { isOwnPage } from './own-page.ts'

/** What Electron says about the frame that asks; null where the frame is gone meanwhile. */
export interface Asker {
  readonly url: string
  readonly isMainFrame: boolean
  /** Of the window that belongs to the program. */
  readonly isOwnWindow: boolean
}

export interface RouterOptions {
  readonly hostHandlers: AnyHandlers
  callCore(name: unknown, input: unknown): Promise<Reply>
}

export type Router = (asker: Asker | null, name: unknown, input: unknown) => Promise<Reply>

export function createRouter({ hostHandlers, callCore }: RouterOptions): Router {
  return async (asker, name, input) => {
    if (asker === null || !asker.isOwnWindow || !asker.isMainFrame || !isOwnPage(asker.url))
      return fail({
        code: 'host.unavailable',
        message: 'This page may not call the program.',
        where: 'the window',
        remedy: 'Close the window and open Tunewright again.',
      })
    const isForHost = isCallName(name) && name.startsWith('host.')
    if (isForHost || !isCallName(name)) return dispatch(hostHandlers, name, input)
    return callCore(name, input)
  }
}
