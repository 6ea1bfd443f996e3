// Dozens of runs compared on one screen, by keyboard: ticked at once, told apart by pointing, sorted, their answers side by
// side; and a search whose words only trials have.
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { experiments } from '#renderer/words/en/experiments.ts'
import { writeManyRuns } from '../../bench/many-experiments.ts'
import { expectAccessible, findChromium, openTestBrowser, soon, type TestBrowser } from './support/browser.ts'

const chromium = findChromium()
const limitMs = 400_000

describe.skipIf(chromium === null)('dozens of experiments in a browser', { timeout: limitMs }, () => {
  let screen: TestBrowser
  afterEach(() => screen?.close(), limitMs)

  test('are compared in one chart and in tables, and their answers stand side by side', async () => {
    screen = await openTestBrowser(chromium!, async (home) =>
      writeManyRuns(join(home, 'journal.db'), { runs: 48, eventsPerRun: 20, trials: 6 }),
    )
    const { page, call, complaints } = screen
    const { keyboard } = page
    const { runIds } = await call('experiments.ids', {})
    const count = runIds.length
    expect(count).toBeGreaterThan(40)
    await screen.open('/experiments')
    const grid = page.getByRole('grid', { name: experiments.table.label })
    await grid.getByRole('rowheader').first().focus()
    await keyboard.press('Control+a')
    const panel = page.getByRole('region', { name: experiments.compare.region })
    await panel.getByRole('heading', { name: `${count} runs compared` }).waitFor()
    await panel.locator('canvas').waitFor()
    const list = panel.getByRole('grid', { name: experiments.compare.list, exact: true })
    expect(await list.getAttribute('aria-rowcount')).toBe(String(count + 1))

    // Told apart by pointing: the line under the mouse is drawn over the others; pressed, its run is told in full.
    const canvas = panel.locator('canvas')
    await canvas.scrollIntoViewIfNeeded()
    const { x, y, width, height } = (await canvas.boundingBox())!
    const place = { x: x + 0.75 * width, y: y + 30 }
    const layers = (): Promise<number> => panel.locator('canvas').count()
    const lowest = y + height - 60
    for (; (await layers()) === 1 && place.y < lowest; place.y += 4) await page.mouse.move(place.x, place.y)
    expect(await layers()).toBe(2)
    await page.mouse.click(place.x, place.y)
    const curve = panel.getByRole('link', { name: /^Curve of / })
    await curve.waitFor()
    const pointed = (await curve.getAttribute('aria-label'))?.slice('Curve of '.length) ?? ''
    const pressed = list.getByRole('button', { name: pointed, exact: true })
    expect(await pressed.getAttribute('aria-pressed')).toBe('true')
    await page.mouse.click(place.x, place.y)
    await curve.waitFor({ state: 'detached' })

    // Sorted by loss the lowest stands first; pressed, it is told in full.
    await list.getByRole('button', { name: experiments.columns.bestLoss.title }).press('Enter')
    const { rows } = await call('experiments.list', { limit: 1000 })
    const losses = rows.flatMap(({ bestLossNats }) => bestLossNats ?? [])
    const best = rows.find(({ bestLossNats }) => bestLossNats === Math.min(...losses))!
    await expect.poll(() => list.getByRole('rowheader').first().textContent(), soon).toBe(best.name)
    await list.getByRole('button', { name: best.name, exact: true }).focus()
    // Arrow keys lead from row to row and drawn rows follow, to the last one and back.
    await keyboard.press('Control+End')
    const last = list.getByRole('row').last()
    await expect.poll(() => last.getAttribute('aria-rowindex'), soon).toBe(String(count + 1))
    await keyboard.press('Control+Home')
    await list.getByRole('button', { name: best.name, exact: true }).and(page.locator(':focus')).waitFor()
    await keyboard.press('Enter')
    await panel.getByRole('link', { name: `Curve of ${best.name}` }).waitFor()
    await panel.getByRole('button', { name: 'Show the numbers' }).click()
    const numbers = panel.getByRole('table', { name: /^Numbers of the chart/ })
    // A row each, its head, and training rows of the picked one.
    await expect.poll(() => numbers.getByRole('row').count(), soon).toBe(count + 2)
    await panel.getByRole('grid', { name: experiments.compare.settings }).getByText('5e-4').first().waitFor()
    // Else the bar at the top may cover half a button.
    await page.evaluate(() => scrollTo(0, 0))
    await expectAccessible(screen)

    await panel.getByRole('link', { name: experiments.compare.answers }).press('Enter')
    await page.getByText('answered differently').first().waitFor()
    await expectAccessible(screen)
    // The ticks stood in the address all along.
    await page.getByRole('link', { name: experiments.answers.back }).click()
    await panel.getByRole('heading', { name: `${count} runs compared` }).waitFor()

    // Bug: buttons that went away with what they did took the keyboard along.
    const focused = page.locator(':focus')
    const untick = list.getByRole('button', { name: /^Untick / }).first()
    await untick.press('Enter')
    await panel.getByRole('heading', { name: `${count - 1} runs compared` }).waitFor()
    await untick.and(focused).waitFor()
    await page.getByRole('button', { name: `Tick all ${count}` }).press('Enter')
    await panel.getByRole('heading', { name: `${count} runs compared` }).waitFor()
    await page.getByRole('heading', { level: 1 }).and(focused).waitFor()
    await panel.getByRole('button', { name: experiments.compare.untickAll }).press('Enter')
    await panel.waitFor({ state: 'detached' })

    // Bug: "0 of 0 runs" where the words were found in trials only.
    await page.getByRole('searchbox', { name: experiments.search }).fill('Run 47')
    await page.getByText('Also found in 1 trial').waitFor()
    await page.getByRole('button', { name: experiments.showTrials }).press('Enter')
    await page.getByRole('heading', { level: 1 }).and(focused).waitFor()
    await grid.getByRole('rowheader').filter({ hasText: 'Run 47' }).waitFor()

    // Bug: a bundle of trials did not say that their search stays behind.
    await grid.getByRole('rowheader').filter({ hasText: 'Run 47' }).first().focus()
    await keyboard.press(' ')
    await panel.getByRole('button', { name: experiments.compare.bundle }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(experiments.bundle.noSearch).waitFor()
    expect(await dialog.getByText('not at its end').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
