// Answers of many runs side by side, in a browser: whose answer stands where is in view wherever one has scrolled to.
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

  test('keep the heads and the sideways bar in view (bug: both were gone after scrolling down)', async () => {
    screen = await openTestBrowser(chromium!, async (home) =>
      writeManyRuns(join(home, 'journal.db'), { runs: 360, eventsPerRun: 10 }),
    )
    const { call, open, page, complaints } = screen
    const { rows } = await call('experiments.list', { limit: 1000 })
    const measured = rows.filter(({ projectId, proof }) => projectId === rows[0]?.projectId && proof !== null)
    expect(measured.length).toBeGreaterThan(24)
    await open(`/experiments/answers?runs=${measured.map(({ id }) => id).join(',')}`)
    await table().getByRole('columnheader').nth(24).waitFor()

    await table().evaluate((element) => element.scrollTo({ top: element.scrollHeight }))
    expect(await table().evaluate((element) => element.scrollTop)).toBeGreaterThan(0)
    const part = (await table().boundingBox())!
    const head = (await table().getByRole('columnheader').nth(1).boundingBox())!
    expect(Math.round(head.y - part.y)).toBe(0)
    expect(part.y + part.height).toBeLessThan(page.viewportSize()!.height)
    await expectAccessible(screen)
    expect(complaints).toEqual([])
  })
})
