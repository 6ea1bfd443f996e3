// Runs side by side. Of many runs' answers: whose answer stands where is in view wherever one has scrolled to. Tests in a
// browser, because only there anything scrolls or is broken into lines.
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { experiments } from '#renderer/words/en/experiments.ts'
import { writeManyRuns } from '../../bench/many-experiments.ts'
import { expectAccessible, findChromium, openTestBrowser, type TestBrowser } from './support/browser.ts'

const chromium = findChromium()

describe.skipIf(chromium === null)('runs side by side', { timeout: 200_000 }, () => {
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

  test('settings of four runs break no word (bug: in columns of 60 pixels they did)', async () => {
    screen = await openTestBrowser(chromium!, async (home) =>
      writeManyRuns(join(home, 'journal.db'), { runs: 8, eventsPerRun: 10 }),
    )
    const { call, open, page } = screen
    const { rows } = await call('experiments.list', { limit: 4 })
    await open(`/experiments?runs=${rows.map(({ id }) => id).join(',')}`)
    const values = page
      .getByRole('region', { name: experiments.compare.settings, exact: true })
      .getByRole('cell')
    await values.nth(3).waitFor()
    // Bug: "5e-4" was broken behind its minus.
    const rates = values.getByText(/^\d+e-\d$/)
    expect(await rates.count()).toBeGreaterThan(0)
    expect(await rates.evaluateAll((all) => all.map((one) => one.getClientRects().length))).not.toContain(2)
    await page.getByRole('button', { name: experiments.compare.showAll }).press('Enter')
    await values.nth(40).waitFor()
    const broken = await values.evaluateAll((cells) =>
      cells
        .flatMap((cell) => [...cell.childNodes].filter((node) => node instanceof Text))
        .flatMap((node) =>
          [...node.data.matchAll(/\p{L}+/gu)].flatMap(({ 0: word, index }) => {
            const range = document.createRange()
            range.setStart(node, index)
            range.setEnd(node, index + word.length)
            return range.getClientRects().length > 1 ? [word] : []
          }),
        ),
    )
    expect(broken).toEqual([])
  })
})
