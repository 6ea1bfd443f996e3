// Two runs at once in a browser: the second says why it waits and can be taken out by keyboard; a finished run is repeated
// with one button, and its page says whether the same came out.
import { expect, test } from 'vitest'
import { training } from '#renderer/words/en/training.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { expectAccessible, runIdOf, soon } from './support/browser.ts'
import { addModel, followRun, makeProject } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 300_000

const short = { 'duration.maxSteps': 6, 'batch.maxTokens': 256, device: 'cpu' }
const long = { 'duration.epochs': 900, 'evaluation.patience': null, 'batch.maxTokens': 256, device: 'cpu' }

describeInBrowser('the queue in a browser', { limitMs, prepare: addModel, patienceMs: 60_000 }, (screen) => {
  test('a second run waits and is taken out; a finished one is repeated and compared', async () => {
    const { page, call, open, heading, button, complaints } = screen
    const { projectId } = await makeProject(call, { name: 'Support mail', csv: messagesCsv(60) })
    const start = async (name: string, changes: Record<string, string | number | null>) =>
      (await call('training.start', { projectId, preset: 'quick', changes, name })).runId
    const once = await start('Once', short)
    await followRun(call, once)
    const first = await start('First', long)
    const second = await start('Second', short)

    await open(`/runs/${second}/training`)
    await heading(training.waiting.heading)
    await page.getByText(/It waits for the run “First”/).waitFor()
    await expectAccessible(screen)
    await button(training.waiting.takeOut).focus()
    await page.keyboard.press('Enter')
    await heading(training.heading.cancelled)
    // The button is gone, and the keyboard stands at the heading.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1')

    await open(`/runs/${once}/training`)
    await button(training.repeat.button).click()
    await heading(training.waiting.heading)
    const repeat = runIdOf(page)
    expect(repeat).not.toBe(once)
    const verdict = page.getByRole('region', { name: training.repeat.heading })
    expect(await verdict.textContent()).toContain('compared when it has ended')
    await call('training.stop', { runId: first })
    // It begins by itself, and the page that is open says how it goes.
    await expect
      .poll(() => verdict.textContent(), { timeout: 120_000 })
      .toMatch(/The same came out to the last bit: \d+ losses/)
    expect((await call('training.get', { runId: repeat })).repeat).toMatchObject({
      kind: 'same',
      originalId: once,
    })
    await expectAccessible(screen)
    await verdict.getByRole('link').click()
    await expect.poll(() => runIdOf(page), soon).toBe(once)
    expect(complaints).toEqual([])
  })
})
