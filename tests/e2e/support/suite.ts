// A suite of tests in one real browser: a library and a page for each test, or one for all of them; left out where there is
// no Chromium.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import {
  findChromium,
  launchChromium,
  type OpenedPage,
  openPage,
  openTestBrowser,
  type TestBrowser,
} from './browser.ts'

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
    let browser: Browser
    // One for all of them: a window that is new compiles the whole page anew.
    let shown: OpenedPage
    beforeAll(async () => {
      browser = await launchChromium(chromium!)
      shown = await openPage(browser)
    }, limitMs)
    afterAll(() => browser?.close())
    const open = async () => {
      Object.assign(screen, await openTestBrowser(shown, prepare, how))
      return screen.close
    }
    if (isShared) beforeAll(open, limitMs)
    else beforeEach(open, limitMs)
    define(screen)
  })
}
