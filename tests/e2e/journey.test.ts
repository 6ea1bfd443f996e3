// The whole way with the real model, from a goal through a run to the proof and its answers; and a run that is killed and
// goes on. Short runs, so nothing is said about how good they get.
import { expect, test } from 'vitest'
import { proof } from '#renderer/words/en/proof.ts'
import { recipe } from '#renderer/words/en/recipe.ts'
import { training } from '#renderer/words/en/training.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { findStarterGguf } from '../support/models.ts'
import { expectAccessible, runIdOf, type TestBrowser } from './support/browser.ts'
import { addModel, makeProject } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const starter = findStarterGguf()
const limitMs = 600_000
const patient = { limitMs, patienceMs: limitMs }
const steps = 3
const killedSteps = 60

const statusOf = async ({ call }: TestBrowser, runId: string) =>
  (await call('training.get', { runId })).run.status

describeInBrowser('a run that is killed', { ...patient, prepare: addModel }, (screen) => {
  test('says what happened, and goes on from its checkpoint to its end', async () => {
    const { page, call, kill, button, heading, open, complaints } = screen
    const { projectId } = await makeProject(call, { name: 'Mail' })
    const { runId } = await call('training.start', {
      projectId,
      preset: 'quick',
      changes: { 'duration.maxSteps': killedSteps, 'duration.epochs': 100, 'batch.maxTokens': 512 },
    })
    await open(`/runs/${runId}/training`)
    const lastStep = async () => (await call('training.get', { runId })).state.step
    await expect.poll(lastStep, { timeout: 60_000 }).toBeGreaterThan(3)
    kill('trainer')
    await expect.poll(() => statusOf(screen, runId), { timeout: 60_000 }).toBe('crashed')
    await heading(training.heading.crashed)
    await page.getByRole('alert').first().waitFor()
    await expectAccessible(screen)
    await button(training.goOn).click()
    await expect.poll(() => statusOf(screen, runId), { timeout: limitMs }).toBe('finished')
    const { run } = await call('training.get', { runId })
    expect(run).toMatchObject({ lastStep: killedSteps, attempts: 2 })
    expect(complaints).toEqual([])
  })
})

const real = { ...patient, prepare: (home: string) => addModel(home, starter) }

describeInBrowser('from a goal to the proof', real, (screen) => {
  test.skipIf(starter === null)('with the real model: wizard, run, proof, answers', async () => {
    const { page, call, button, heading, complaints } = screen
    await startRun(screen)
    const runId = runIdOf(page)
    await expect.poll(() => statusOf(screen, runId), { timeout: limitMs }).toBe('finished')
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
})

/** The wizard with the sample rows, few of them locked or watched, and few steps. */
async function startRun({ page, button, heading, open }: TestBrowser): Promise<void> {
  await open('/projects/new')
  await button('Sort texts').click()
  await page.getByRole('switch', { name: wizard.goal.sample }).click()
  await button(wizard.goal.create).click()
  await heading(wizard.data.heading)
  await page.getByText(wizard.data.split.change).click()
  for (const [name, percent] of [
    [wizard.data.split.validationShare, '4'],
    [wizard.data.split.testShare, '5'],
  ] as const) {
    const share = page.getByRole('textbox', { name })
    await share.fill(percent)
    await share.press('Tab')
  }
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
