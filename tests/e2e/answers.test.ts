// Answers of many runs side by side: whose answer stands where is in view wherever one has scrolled to. A test in a browser,
// because only there anything scrolls.
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { experiments } from '#renderer/words/en/experiments.ts'
import { writeManyRuns } from '../../bench/many-experiments.ts'
import { expectAccessible, findChromium, openTestBrowser, type TestBrowser } from './support/browser.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('answers side by side', { timeout: 200_000 }, () => {
  let screen: TestBrowser
  afterEach(() => screen?.close())
  const table = () => screen.page.getByRole('region', { name: experiments.answers.region }).last()

  test('keep heads and the sideways bar in view while one scrolls, and the keyboard at the runs that came', async () => {
    screen = await openTestBrowser(chromium!, async (home) =>
      writeManyRuns(join(home, 'journal.db'), { runs: 360, eventsPerRun: 10 }),
    )
    const { call, open, page, complaints } = screen
    const { rows } = await call('experiments.list', { limit: 1000 })
    const measured = rows.filter(({ projectId, proof }) => projectId === rows[0]?.projectId && proof !== null)
    expect(measured.length).toBeGreaterThan(24)
    await open(`/experiments/answers?runs=${measured.map(({ id }) => id).join(',')}`)
    await table().getByRole('columnheader').nth(24).waitFor()

    // Bug: after scrolling down both were gone.
    await table().evaluate((element) => element.scrollTo({ top: element.scrollHeight }))
    expect(await table().evaluate((element) => element.scrollTop)).toBeGreaterThan(0)
    const part = (await table().boundingBox())!
    const head = (await table().getByRole('columnheader').nth(1).boundingBox())!
    expect(Math.round(head.y - part.y)).toBe(0)
    expect(part.y + part.height).toBeLessThan(page.viewportSize()!.height)

    // Bug: the keyboard stood at the whole part, and not at the runs that came.
    await page.getByRole('button', { name: experiments.answers.moreRuns }).press('Enter')
    const came = table().getByRole('columnheader').nth(25)
    await came.and(page.locator(':focus')).waitFor()
    const isInView = async (): Promise<boolean> => {
      const { x, width } = (await came.boundingBox())!
      return x > part.x && x + width <= part.x + part.width
    }
    await expect.poll(isInView).toBe(true)
    await expectAccessible(screen)
    expect(complaints).toEqual([])
  })
})
