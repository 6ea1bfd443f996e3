// What is wider than a narrow window scrolls within its own part, by keyboard too, and the page does not.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** The part by its name for screen readers. The window is as wide as before afterwards. */
export async function expectScrollsInside(page: Page, name: string, width = 700): Promise<void> {
  const before = page.viewportSize()
  await page.setViewportSize({ width, height: 800 })
  const part = page.getByRole('region', { name, exact: true })
  const hidden = () => part.evaluate((element) => element.scrollWidth - element.clientWidth)
  await expect.poll(hidden).toBeGreaterThan(0)
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(await overflow()).toBe(0)
  await part.focus()
  await part.evaluate((element) => element.scrollTo({ left: 0 }))
  for (let n = 0; n < 3; n++) await page.keyboard.press('ArrowRight')
  await expect.poll(() => part.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0)
  if (before !== null) await page.setViewportSize(before)
}
