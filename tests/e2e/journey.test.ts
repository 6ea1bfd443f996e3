// The whole way with the real model, from a goal through a run to the proof and its answers; and a run that is killed and
// goes on. Short runs, so nothing is said about how good they get.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { proof } from '#renderer/words/en/proof.ts'
import { recipe } from '#renderer/words/en/recipe.ts'
import { training } from '#renderer/words/en/training.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { findStarterGguf } from '../support/models.ts'
import { expectAccessible, findChromium, openTestBrowser } from './support/browser.ts'

const chromium = findChromium()
const starter = findStarterGguf()
const limitMs = 600_000
const steps = 3
const killedSteps = 120

/** The page with words for what the tests look for; `add` brings the model into an empty library. */
async function openScreen(add: (home: string) => string) {
  const screen = await openTestBrowser(chromium!, async (home) => {
    unwrap(await importModel(openLibrary(home), add(home)))
  })
  const { page } = screen
  return {
    ...screen,
    button: (name: string | RegExp) => page.getByRole('button', { name }),
    heading: (name: string | RegExp) =>
      page.getByRole('heading', { level: 1, name }).waitFor({ timeout: limitMs }),
    open: (hash: string) => page.goto(`${page.url().split('#')[0]}#${hash}`),
    statusOf: async (runId: string) => (await screen.call('training.get', { runId })).run.status,
  }
}
type Screen = Awaited<ReturnType<typeof openScreen>>

describe.skipIf(chromium === null)('a run that is killed', { timeout: limitMs }, () => {
  let screen: Screen

  beforeAll(async () => {
    screen = await openScreen((home) => writeTinyModel(join(home, 'cache', 'tiny')))
  }, limitMs)
  afterAll(() => screen?.close(), limitMs)

  test('says what happened, and goes on from its checkpoint to its end', async () => {
    const { page, call, kill, button, heading, open, statusOf, complaints } = screen
    const { project, draft } = await call('projects.create', {
      name: 'Mail',
      scenario: 'classification',
      withSample: true,
    })
    const [model] = (await call('models.list', {})).models
    await call('projects.saveDraft', { projectId: project.id, draft: { ...draft, modelId: model!.id } })
    const { runId } = await call('training.start', {
      projectId: project.id,
      preset: 'quick',
      changes: { 'duration.maxSteps': killedSteps, 'duration.epochs': 100, 'batch.maxTokens': 512 },
    })
    await open(`/runs/${runId}/training`)
    const lastStep = async () => (await call('training.get', { runId })).state.step
    await expect.poll(lastStep, { timeout: 60_000 }).toBeGreaterThan(3)
    kill('trainer')
    await expect.poll(() => statusOf(runId), { timeout: 60_000 }).toBe('crashed')
    await heading(training.heading.crashed)
    await page.getByRole('alert').first().waitFor()
    await expectAccessible(screen)
    await button(training.goOn).click()
    await expect.poll(() => statusOf(runId), { timeout: limitMs }).toBe('finished')
    const { run } = await call('training.get', { runId })
    expect(run).toMatchObject({ lastStep: killedSteps, attempts: 2 })
    expect(complaints).toEqual([])
  })
})

describe.skipIf(chromium === null || starter === null)(
  'from a goal to the proof',
  { timeout: limitMs },
  () => {
    let screen: Screen

    beforeAll(async () => {
      screen = await openScreen(() => starter!)
    }, limitMs)
    afterAll(() => screen?.close(), limitMs)

    test('with the real model: wizard, run, proof, answers', async () => {
      const { page, call, button, heading, statusOf, complaints } = screen
      await startRun(screen)
      const runId = /#\/runs\/([^/]+)\//.exec(page.url())?.[1] ?? ''
      await expect.poll(() => statusOf(runId), { timeout: limitMs }).toBe('finished')
      await page.getByRole('link', { name: training.toProof }).click()
      await page.waitForURL(/\/proof$/)
      await heading(proof.heading)
      await button(proof.start).click()
      await heading(new RegExp(Object.values(proof.verdicts).join('|')))
      const { answers, total } = await call('proof.answers', { runId, view: 'changed', offset: 0, limit: 1 })
      const first = page.getByRole('row').filter({ hasText: answers[0]!.prompt!.slice(0, 30) })
      await first.getByText(answers[0]!.expected, { exact: true }).first().waitFor()
      expect(answers[0]!.closest?.similarity).toBeGreaterThan(0)
      await page.getByText(`10 of ${total}`).waitFor()
      await button(proof.showMore).click()
      await page.getByText(`${Math.min(20, total)} of ${total}`).waitFor()
      await page.getByRole('textbox', { name: proof.search }).fill(answers[0]!.prompt!)
      await page.getByText('1 of 1').waitFor()
      await expectAccessible(screen)

      // Opened again from nothing, the journal shows the same.
      const verdict = (await page.getByRole('heading', { level: 1 }).textContent()) ?? ''
      await page.reload()
      await heading(verdict)
      expect(complaints).toEqual([])
    })
  },
)

/** The wizard with the sample rows, few of them locked or watched, and few steps. */
async function startRun({ page, button, heading, open }: Screen): Promise<void> {
  await open('/projects/new')
  await button('Sort texts').click()
  await page.getByRole('switch', { name: wizard.goal.sample }).click()
  await button(wizard.goal.create).click()
  await heading(wizard.data.heading)
  await page.getByText(wizard.data.split.change).click()
  const share = page.getByRole('textbox', { name: wizard.data.split.testShare })
  await share.fill('8')
  await share.press('Tab')
  await button(wizard.data.next).and(page.locator(':enabled')).click()
  await page.getByRole('radio').first().check()
  await button(wizard.model.next).click()
  await button(wizard.advice.skip).click()
  await page.getByRole('radio', { name: /Quick look/ }).check()
  await button(wizard.plan.fine).click()
  const drawer = page.getByRole('dialog', { name: wizard.plan.fine })
  const setting = recipe.fields.duration.maxSteps
  const limit = drawer.getByRole('group', { name: setting.title })
  await limit.getByRole('checkbox', { name: setting.none }).uncheck()
  await drawer.getByRole('textbox', { name: setting.title }).fill(String(steps))
  await drawer.getByRole('textbox', { name: setting.title }).press('Tab')
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await button(wizard.plan.start).click()
  await page.waitForURL(/#\/runs\/[^/]+\/training/)
}
