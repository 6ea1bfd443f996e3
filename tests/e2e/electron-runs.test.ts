// Runs and searches of the desktop program in a real Electron window: from a goal to a trained run, and what happens to
// what is at work when the window closes. The trainer is a true utility process here (docs/main.md says what is not).
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { start } from '#renderer/words/en/start.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { runIdOf } from './support/browser.ts'
import { expectSearchScreen, expectWholeSearch, followTrial, startSearch } from './support/lasting-search.ts'
import { addModel } from './support/library.ts'
import { describeInWindow, windowCall } from './support/window.ts'

describeInWindow('the desktop program', {}, (place) => {
  test('from a goal to a run by the wizard; a run goes on behind a closed window and is there when the program opens again', async () => {
    const { app, page, complaints } = place.program
    await addModel(place.home)
    writeFileSync(join(place.folder, 'messages.csv'), messagesCsv(60))
    await page.getByRole('heading', { level: 1, name: start.heading }).waitFor()
    await page.getByRole('button', { name: start.ownFiles }).click()
    await page.getByText('Sort texts').first().click()
    await page.getByRole('button', { name: wizard.goal.create }).click()
    await page.locator('input[type=file]').first().setInputFiles(join(place.folder, 'messages.csv'))
    await page.getByRole('button', { name: wizard.data.next }).click()
    await page.getByText('tiny', { exact: true }).first().click()
    await page.getByRole('button', { name: wizard.model.next }).click()
    await page
      .getByRole('button', { name: wizard.advice.skip })
      .or(page.getByRole('link', { name: wizard.advice.skip }))
      .click()
    // The button rests while the estimate is worked out; a click in that moment does nothing.
    const train = page.getByRole('button', { name: wizard.plan.start })
    const clickStart = async (): Promise<string> => {
      await train.click({ timeout: 2_000 }).catch(() => {})
      return runIdOf(page)
    }
    await expect.poll(clickStart, { timeout: 30_000, interval: 1_000 }).not.toBe('')
    const firstId = runIdOf(page)
    await expect.poll(() => statusOf(page, firstId), { timeout: 60_000 }).toBe('finished')
    const call = windowCall(page)
    const { projectId } = (await viewOf(page, firstId)).run

    const changes = { 'duration.epochs': 900, 'evaluation.patience': null }
    const { runId } = await call('training.start', {
      projectId,
      preset: 'quick',
      changes,
    })
    await expect.poll(() => stepOf(page, runId), { timeout: 60_000 }).toBeGreaterThan(0)
    const helpers = await app.evaluate(({ app: electronApp }) =>
      electronApp.getAppMetrics().map(({ type, name }) => `${type} ${name}`),
    )
    expect(helpers).toContain('Utility Tunewright trainer')
    // Its load is read by a number that main learned and passed on.
    await expect.poll(() => loadOf(page, runId), { timeout: 30_000 }).toBeGreaterThan(0)

    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close())
    const stepAtClose = await stepOf(page, runId)
    await expect.poll(() => stepOf(page, runId), { timeout: 60_000 }).toBeGreaterThan(stepAtClose)
    expect(await place.startAgain()).toBe(0)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible())).toBe(
      true,
    )

    await call('settings.set', { whenClosed: 'stop' })
    await place.closeByWindow()
    expect(complaints).toEqual([])

    await place.open()
    const view = await viewOf(place.program.page, runId)
    expect(view).toMatchObject({ run: { status: 'cancelled' }, canContinue: true })
    expect(view.run.lastStep).toBeGreaterThan(stepAtClose)
    await place.program.page.evaluate((id) => {
      window.location.hash = `#/runs/${id}/training`
    }, firstId)
    await place.program.page.getByRole('heading', { level: 1 }).waitFor()
    expect(await statusOf(place.program.page, firstId)).toBe('finished')

    // Electron itself took the second of two signals for "at once": the run was torn down without its checkpoint.
    await windowCall(place.program.page)('training.continue', { runId })
    await expect
      .poll(() => stepOf(place.program.page, runId), { timeout: 60_000 })
      .toBeGreaterThan(view.run.lastStep ?? 0)
    const killed = place.program.app.process()
    const gone = new Promise((resolve) => killed.once('exit', (code) => resolve(code)))
    for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) killed.kill(signal)
    expect(await gone).toBe(0)
    await place.open()
    expect(await statusOf(place.program.page, runId)).toBe('cancelled')
  })

  test('a search goes on when the program is opened again, and is read with its model gone', async () => {
    await addModel(place.home)
    await windowCall(place.program.page)('settings.set', { isStarted: true, whenClosed: 'stop' })
    const studyId = await startSearch(place.lasting())
    await followTrial(place.lasting(), studyId, 0)
    expect(place.program.complaints).toEqual([])
    await place.closeByWindow()

    await place.open()
    await expectWholeSearch(place.lasting(), studyId)
    await place.closeByWindow()
    rmSync(openLibrary(place.home).modelsFolder, { recursive: true })

    await place.open()
    await expectSearchScreen(place.lasting(), studyId)
  })
})

const viewOf = (page: Page, runId: string) => windowCall(page)('training.get', { runId })
const statusOf = async (page: Page, runId: string) => (await viewOf(page, runId)).run.status
const stepOf = async (page: Page, runId: string) => (await viewOf(page, runId)).state.step
const loadOf = async (page: Page, runId: string) =>
  (await viewOf(page, runId)).state.device.processorShare ?? 0
