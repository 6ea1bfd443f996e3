// What training can use, in Chromium: this computer is measured; and in the long tests, with the real engine: TensorFlow is
// added from the screen, a run is trained on it, and after its removal the processor does the work again. What one needs
// for that: the package index, Python's pip, a compiler, Linux x64.
import type { Locator } from 'playwright-core'
import { beforeEach, expect, test, vi } from 'vitest'
import { common } from '#renderer/words/en/common.ts'
import { devices } from '#renderer/words/en/devices.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { training } from '#renderer/words/en/training.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import type { Job } from '#shared/contract/system.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { hasTensorflow } from '../support/tensorflow-engine.ts'
import { expectAccessible, runIdOf } from './support/browser.ts'
import { addModel, makeProject } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 600_000
vi.mock('#core/devices/measure-devices.ts', async (original) => {
  const { measuredShortly } = await import('../core/devices/measured-shortly.ts')
  // Long enough to be stopped by a person.
  return measuredShortly(await original(), process.env.TUNEWRIGHT_LONG ? 10 : 4)
})
const patient = { timeout: limitMs }
const { engines, measure, names } = devices
const tensorflow = 'TensorFlow'
const onTensorflow = names['tensorflow-cpu']
const named = (sentence: string): string => sentence.replace('{name}', tensorflow)

describeInBrowser('what training can use', { limitMs, prepare: addModel, patienceMs: limitMs }, (screen) => {
  const part = (): Locator => screen.page.getByRole('region', { name: settings.devices.title, exact: true })
  const section = (name: string): Locator => part().getByRole('region', { name })
  const openPart = async (): Promise<void> => {
    await screen.open('/settings#devices')
    await section(devices.heading).getByRole('group', { name: devices.pick }).waitFor()
  }
  beforeEach(openPart, limitMs)

  test('is measured with a model of the library, and can be stopped', async () => {
    const { page, call, complaints } = screen
    const usable = section(devices.heading)
    await usable.getByText(devices.notMeasured).first().waitFor()
    await usable.getByText('Not for this system: ').waitFor()
    await expectAccessible(screen)
    const start = usable.getByRole('button', { name: measure.button })
    await start.press('Enter')
    await usable.getByRole('progressbar').waitFor()
    // The button is gone; the keyboard is still here.
    await page.locator('h2:focus').getByText(settings.devices.title).waitFor()
    await usable.getByRole('button', { name: common.stop }).click()
    await start.and(page.locator(':enabled')).waitFor()
    await expect.poll(async () => (await jobOf('speed'))?.status).toBe('cancelled')
    await usable.getByText(measure.cut).waitFor()
    await start.click()
    await usable.getByRole('button', { name: measure.again }).waitFor(patient)
    await usable
      .getByText(/^A step of 1,024 tokens with tiny in .*, .* of memory\.$/)
      .first()
      .waitFor()
    const view = await call('devices.view', { modelId: null })
    expect(view.devices.find(({ id }) => id === 'cpu')?.figure).toMatchObject({ modelName: 'tiny', rows: 4 })
    await expectAccessible(screen)
    expect(complaints).toEqual([])
  })

  test('a plan on what is not here has no figures, and a way out', async () => {
    const { page, call, open, complaints } = screen
    const changes = { ...shortRun.changes, device: 'tensorflow-cpu' }
    const { projectId } = await makeProject(call, {
      ...{ name: 'Away', csv: messagesCsv(60) },
      draft: { ...shortRun, changes },
    })
    await open(`/projects/${projectId}/plan`)
    const out = page.getByRole('button', { name: wizard.plan.takeFastest })
    await out.waitFor()
    expect(await page.getByText(wizard.plan.deviceAway).count()).toBe(3)
    await expectAccessible(screen)
    await out.press('Enter')
    await page.getByText(wizard.plan.deviceAway).first().waitFor({ state: 'detached' })
    await page.locator('h2:focus').getByText(wizard.plan.what).waitFor()
    await expect
      .poll(async () => (await call('projects.get', { projectId })).draft.changes)
      .toEqual(shortRun.changes)
    expect(complaints).toEqual([])
  })

  // It downloads 274 MB: in `npm run test:long` only.
  test.skipIf(!hasTensorflow() || !process.env.TUNEWRIGHT_LONG)(
    'grows by an engine that is fetched, and shrinks again',
    async (context) => {
      const { page, call, heading, open, complaints } = screen
      await add()
      const ended = await endOf('engine')
      if (ended.problem?.code.startsWith('download.')) return context.skip(leftOut(ended))
      expect(ended).toMatchObject({ status: 'done', problem: null })
      await section(engines.heading).getByRole('status').getByText(named(engines.added)).waitFor()
      await expectAccessible(screen)
      await measureAll()

      await page
        .getByRole('radio', { name: new RegExp(`^${onTensorflow} ${devices.terms['tensorflow-cpu']}`) })
        .check()
      await part().getByRole('status').getByText(settings.saved).waitFor()
      await section(devices.heading).getByText('chosen by hand in the settings').waitFor()
      const { projectId } = await makeProject(call, { name: 'Mail', csv: messagesCsv(60), draft: shortRun })
      await open(`/projects/${projectId}/plan`)
      await page.getByText(/^On the processor with TensorFlow: chosen by hand/).waitFor()
      await expectAccessible(screen)
      await page.getByRole('button', { name: wizard.plan.start }).click()
      await heading(training.heading.finished)
      const facts = page.getByRole('region', { name: training.facts.heading })
      await facts.getByText(onTensorflow).waitFor()
      await facts.getByText(/tensorflow 2\./).waitFor()
      const { run } = await call('training.get', { runId: runIdOf(page) })
      expect(run).toMatchObject({ status: 'finished', recipe: { device: 'tensorflow-cpu' } })

      await openPart()
      await remove()
      await open(`/projects/${projectId}/plan`)
      await page.getByText(/cannot be used now.*Meanwhile: On the processor/).waitFor()
      expect(complaints).toEqual([])
    },
  )

  const shortRun = {
    preset: 'quick',
    changes: { 'duration.maxSteps': 2, 'batch.maxTokens': 256 },
    step: 'plan',
  } as const

  /** Downloads are off until the dialog is told to turn them on. */
  async function add(): Promise<void> {
    const { page, call } = screen
    await section(devices.heading)
      .getByRole('button', { name: named(engines.add), exact: true })
      .click()
    const dialog = page.getByRole('dialog', { name: engines.asked.titleOff })
    await dialog.getByText('Apache-2.0').waitFor()
    await expectAccessible(screen)
    await dialog.getByRole('button', { name: common.cancel }).click()
    expect((await call('system.network', {})).connections).toBe(0)
    await section(engines.heading)
      .getByRole('button', { name: named(engines.add), exact: true })
      .click()
    await dialog.getByRole('button', { name: engines.asked.startOff }).click()
    await section(engines.heading).getByRole('progressbar').waitFor()
    await page.locator('h3:focus').getByText(engines.heading).waitFor()
    expect((await call('settings.get', {})).allowsDownloads).toBe(true)
  }

  async function measureAll(): Promise<void> {
    const usable = section(devices.heading)
    await usable.getByRole('button', { name: measure.button }).click()
    expect(await endOf('speed')).toMatchObject({ status: 'done', problem: null })
    await expect
      .poll(() => usable.getByText(/^A step of 1,024 tokens with tiny in /).count(), { timeout: 20_000 })
      .toBeGreaterThanOrEqual(2)
    await usable
      .getByText(/than|as fast as the processor alone|as long as the processor alone/)
      .first()
      .waitFor()
    await expectAccessible(screen)
  }

  async function remove(): Promise<void> {
    const { page, call } = screen
    await section(engines.heading)
      .getByRole('button', { name: named(engines.remove) })
      .click()
    const dialog = page.getByRole('dialog', { name: named(engines.removal.title) })
    await dialog.getByText(engines.removal.pinned).waitFor()
    await expectAccessible(screen)
    await dialog.getByRole('button', { name: engines.removal.confirm }).click()
    await section(engines.heading).getByRole('status').getByText('of this disk are free again').waitFor()
    await page.locator('h3:focus').getByText(engines.heading).waitFor()
    const { chosen, pinned } = await call('devices.view', { modelId: null })
    expect({ chosen, pinned }).toEqual({ chosen: 'cpu', pinned: 'tensorflow-cpu' })
    // In the list of devices it stands only where another device of the engine is missing: bfloat16, on processors that have it.
    await section(engines.heading)
      .getByRole('button', { name: named(engines.add), exact: true })
      .waitFor()
  }

  const jobOf = async (kind: Job['kind']): Promise<Job | undefined> =>
    (await screen.call('system.activity', {})).jobs.findLast((job) => job.kind === kind)
  async function endOf(kind: Job['kind']): Promise<Job> {
    await expect.poll(async () => (await jobOf(kind))?.status, patient).not.toBe('running')
    return (await jobOf(kind))!
  }

  function leftOut({ problem }: Job): string {
    const notice = `TensorFlow could not be fetched here: ${problem?.message}`
    if (process.env.TUNEWRIGHT_REQUIRE?.includes('tensorflow')) throw new Error(notice)
    console.warn(`NOTICE: ${notice}`)
    return notice
  }
})
