// A new last layer in Chromium: a text is written and named, with how likely each label is, or with the names where they
// stand; and the model with the layer is taken away and checked.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chat } from '#renderer/words/en/chat.ts'
import { use } from '#renderer/words/en/use.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { writeTinyEncoder } from '../processes/tiny-encoder.ts'
import { namedRowsCsv } from '../processes/trainer/head-runs.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { expectAccessible, expectReading, type TestBrowser } from './support/browser.ts'
import { addModel, followJob, followRun, makeProject } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 300_000
const suite = {
  limitMs,
  patienceMs: limitMs,
  isShared: true,
  prepare: (home: string) =>
    addModel(home, writeTinyEncoder(join(home, 'cache', 'encoder')), { name: 'Small reader' }),
}
/** For looking at, where the folder is named. */
const pictures = process.env.TUNEWRIGHT_PICTURES

describeInBrowser('a last layer that names texts, in a browser', suite, (screen) => {
  const text = () => screen.page.getByRole('textbox', { name: use.name.title })
  const draw = async (name: string): Promise<void> => {
    if (pictures === undefined) return
    for (const theme of ['light', 'dark'] as const) {
      await screen.call('settings.set', { theme })
      await screen.page.locator(`html.${theme}`).waitFor()
      await screen.page.waitForTimeout(300)
      await screen.page.screenshot({ path: join(pictures, `${name}-${theme}.png`), fullPage: true })
    }
  }

  test('a label, with how likely each is; an empty text is not sent', async () => {
    const { page, call, button, heading, open, complaints } = screen
    const { projectId } = await makeProject(call, { name: 'Mail', csv: messagesCsv(80) })
    const runId = await train(screen, projectId)
    await open(`/runs/${runId}/use`)
    await heading(use.headingReady)
    await page.getByText(use.sentenceLabels).waitFor()
    // Bug: the button was off and did not say why.
    expect(await button(use.name.button).isEnabled()).toBe(false)
    await page.getByText(use.name.empty).waitFor()
    await expectReading(screen, 'use-label')
    await text().fill('where is my parcel')
    await text().press('Shift+Enter')
    await text().pressSequentially('and the courier')
    await text().press('Enter')
    await page
      .getByRole('status')
      .filter({ hasText: /^(Named|Not sure)/ })
      .waitFor({ state: 'attached' })
    expect(await page.getByText(use.name.empty).count()).toBe(0)
    const named = await call('predict.text', { runId, text: 'where is my parcel\nand the courier' })
    const [first] = named.labels!
    await page.getByRole('heading', { level: 3, name: first!.label }).waitFor()
    const lines = page.getByRole('listitem').filter({ hasText: /%/ })
    expect(await lines.count()).toBe(3)
    expect(await text().inputValue()).toBe('where is my parcel\nand the courier')
    await expectAccessible(screen)
    await draw('use-label')

    const { suggestions } = await call('chat.ofRun', { runId })
    await button(suggestions[0]!.text).click()
    await page.getByText(`${use.name.expected} ${suggestions[0]!.answer}`).waitFor()
    expect(await text().inputValue()).toBe(suggestions[0]!.text)
    // There is nothing to talk with.
    expect(await page.getByRole('heading', { name: use.try, exact: true }).count()).toBe(0)
    await open(`/chat?run=${runId}`)
    await page.getByText(use.sentenceLabels).waitFor()
    await page.getByRole('link', { name: chat.toUse }).click()
    await heading(use.headingReady)

    await button(use.export).click()
    await heading(use.headingChecked)
    const [item] = (await call('export.list', { runId })).exports
    expect(item!.check).toMatchObject({ isGood: true, sentence: expect.stringMatching(/tried on 3 rows/) })

    await followJob(call, await call('proof.start', { runId }))
    await open(`/runs/${runId}/proof`)
    await page.getByText(/^Without any model: always answering “(money|shipping|access)”/).waitFor()
    await expectAccessible(screen)
    await draw('proof-label')
    expect(complaints).toEqual([])
  })

  test('names marked where they stand, and a text that is too long is said to be', async () => {
    const { page, call, heading, open, complaints } = screen
    const scenario = 'entity-recognition'
    const { projectId } = await makeProject(call, { name: 'Names', csv: namedRowsCsv(), scenario })
    const runId = await train(screen, projectId)
    await open(`/runs/${runId}/use`)
    await heading(use.headingReady)
    await text().fill('anna went to oslo 3')
    await text().press('Enter')
    const marks = page.locator('mark')
    await marks.first().waitFor()
    const { names } = await call('predict.text', { runId, text: 'anna went to oslo 3' })
    expect(await marks.count()).toBe(names!.length)
    expect(await marks.first().textContent()).toMatch(/(anna.*PERSON|oslo.*PLACE)/)
    await expectAccessible(screen)
    await draw('use-names')
    await text().fill('anna went to oslo '.repeat(200))
    await text().press('Enter')
    await page
      .getByRole('alert')
      .getByText(/This text cannot be read/)
      .waitFor()
    expect(complaints).toEqual([])
  })

  test('it is not talked with, and for answers in words another model is asked for', async () => {
    const { page, call, button, open, complaints } = screen
    await open('/models')
    await page.getByRole('heading', { level: 3, name: 'Small reader' }).waitFor()
    expect(await page.getByRole('link', { name: /^Talk with/ }).count()).toBe(0)
    const csv =
      'context,question,answer\nthe box is red,which colour?,red\nthe bag is blue,which colour?,blue\n'
    const { projectId } = await makeProject(call, {
      name: 'Ask',
      csv,
      scenario: 'question-answering',
      draft: { step: 'plan' },
    })
    await open(`/projects/${projectId}/model`)
    await page.getByRole('status').getByText(wizard.model.onlyReads).waitFor()
    await expectAccessible(screen)
    await open(`/projects/${projectId}/advice`)
    await button(wizard.advice.start).click()
    await page.getByText(/^Choose another model for this goal/).waitFor()
    expect(complaints).toEqual([])
  })
})

async function train({ call }: TestBrowser, projectId: string): Promise<string> {
  const changes = { 'optimizer.learningRate': 0.05, 'duration.epochs': 20, 'batch.maxTokens': 100 }
  const { runId } = await call('training.start', { projectId, preset: 'balanced', changes, name: 'Names' })
  await followRun(call, runId)
  return runId
}
