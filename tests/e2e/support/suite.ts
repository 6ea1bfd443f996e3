// A suite of tests in a real browser: a page for each test, or one for all of them; left out where there is no Chromium.
import { beforeAll, beforeEach, describe } from 'vitest'
import { findChromium, openTestBrowser, type TestBrowser } from './browser.ts'

const chromium = findChromium()

interface Suite {
  readonly limitMs: number
  /** Fills the library before the page opens. */
  readonly prepare?: (home: string) => Promise<unknown>
  readonly isStarted?: boolean
  readonly patienceMs?: number
  /** The tests build on each other in one page. */
  readonly isShared?: boolean
}

/** `define` gets the page that is open while a test runs; before that it is empty. */
export function describeInBrowser(
  title: string,
  { limitMs, prepare, isShared = false, ...how }: Suite,
  define: (screen: TestBrowser) => void,
): void {
  describe.skipIf(chromium === null)(title, { timeout: limitMs }, () => {
    const screen = {} as TestBrowser
    const open = async () => {
      Object.assign(screen, await openTestBrowser(chromium!, prepare, how))
      return screen.close
    }
    if (isShared) beforeAll(open, limitMs)
    else beforeEach(open, limitMs)
    define(screen)
  })
}
