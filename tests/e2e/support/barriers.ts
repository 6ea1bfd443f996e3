// What axe finds on a page under WCAG 2.2 AA, in light and in dark, wide and narrow; and what is wider than the page.
import { createRequire } from 'node:module'
import type { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

type Rules = Parameters<AxeBuilder['options']>[0]
type Violations = Awaited<ReturnType<AxeBuilder['analyze']>>['violations']
type Theme = 'light' | 'dark'
/** axe itself. What brings it to Playwright sends it along with every question, which took most of a check's time. */
const { source: axe }: { source: string } = createRequire(
  createRequire(import.meta.url).resolve('@axe-core/playwright'),
)('axe-core')

const byTheme: Record<Theme, Rules> = {
  // Label in Name (2.5.3) belongs to level A, but axe asks it only where it is named.
  light: {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
    rules: { 'label-content-name-mismatch': { enabled: true } },
  },
  // What a theme or a width can change is asked in both; the rest of the rules once.
  dark: { runOnly: { type: 'rule', values: ['color-contrast', 'target-size'] } },
}

/** One sentence for each; the page is wide and in its own theme afterwards. */
export async function findBarriers(page: Page): Promise<string[]> {
  const own = await themeOf(page)
  const found: string[] = []
  for (const [theme, width] of [
    ['dark', 640],
    ['light', 1280],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    await settle(page, theme)
    for (const { id, nodes } of await violationsOn(page, byTheme[theme]))
      for (const node of nodes)
        found.push(`${theme} ${width}: ${id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    if (overflow > 0) found.push(`${theme} ${width}: the page is ${overflow} pixels too wide`)
  }
  if (own !== 'light') await settle(page, own)
  return found
}

const themeOf = async (page: Page): Promise<Theme> =>
  (await page.locator('html.dark').count()) > 0 ? 'dark' : 'light'

/**
 * Puts on the theme's class, as renderer/frame/appearance.ts does for the setting, without the frames in between, which
 * took most of a check's time; and waits until nothing moves: on a busy machine a dialog may still be opening, and is then
 * half drawn.
 */
const settle = (page: Page, theme: Theme): Promise<void> =>
  page.evaluate(async (wanted) => {
    const atOnce = new CSSStyleSheet()
    atOnce.replaceSync('*, ::before, ::after { transition: none !important }')
    document.adoptedStyleSheets.push(atOnce)
    for (const one of ['light', 'dark']) document.documentElement.classList.toggle(one, one === wanted)
    document.body.getBoundingClientRect()
    document.adoptedStyleSheets.pop()
    for (let quiet = 0, round = 0; quiet < 2 && round < 5; round++) {
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
      const moving = document.getAnimations()
      await Promise.allSettled(moving.map(({ finished }) => finished))
      quiet = moving.length === 0 ? quiet + 1 : 0
    }
  }, theme)

/** What is not as these rules want it; of what is, axe need not work out the way to every element. */
async function violationsOn(page: Page, rules: Rules): Promise<Violations> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  return page.evaluate(
    async (options) => {
      interface Axe {
        run(place: Document, options: Rules): Promise<{ violations: Violations }>
      }
      return (await (window as unknown as { axe: Axe }).axe.run(document, options)).violations
    },
    { ...rules, resultTypes: ['violations' as const] },
  )
}
