// The settings in Chromium: what is changed is kept, what is kept is shown with its size and goes to the bin only after
// it was shown, and the frame leads to the right part.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import { devices } from '#renderer/words/en/devices.ts'
import { models } from '#renderer/words/en/models.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { start } from '#renderer/words/en/start.ts'
import { unwrap } from '#shared/result.ts'
import { addSampleLibrary } from '../journal/support/sample.ts'
import { expectAccessible, expectReading } from './support/browser.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 180_000
const { storage } = settings

/** Runs with files, and a working copy. */
async function fill(home: string): Promise<void> {
  const writer = unwrap(openJournalWriter(join(home, 'journal.db')))
  const newRun = addSampleLibrary(writer)
  for (let n = 1; n <= 12; n++) {
    const { id } = unwrap(writer.createRun({ ...newRun, name: `Try ${n}` }))
    const folder = join(home, 'runs', id)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'adapter.safetensors'), new Uint8Array(100_000 + n))
  }
  unwrap(writer.close())
  mkdirSync(join(home, 'cache', 'gguf'), { recursive: true })
  writeFileSync(join(home, 'cache', 'gguf', 'model.gguf'), new Uint8Array(5_000_000))
}

describeInBrowser('the settings in a browser', { limitMs, prepare: fill }, (screen) => {
  beforeEach(async () => {
    // The keys that go to a screen, from anywhere.
    await screen.page.keyboard.press('g')
    await screen.page.keyboard.press('s')
    await screen.heading(settings.heading)
  }, limitMs)

  const part = (name: string) => screen.page.getByRole('region', { name, exact: true })
  const storagePart = () => part(storage.title)
  const dialog = () => screen.page.getByRole('dialog')

  test('keep every change at once: theme, closing, downloads', async () => {
    const { page, call, complaints } = screen
    await storagePart().getByText('kept by Tunewright').waitFor()
    await expectReading(screen, 'settings', { isAboutComputer: true })
    await expectAccessible(screen)

    const { appearance, closing, privacy } = settings
    await page.getByRole('radio', { name: appearance.themes.dark }).check()
    await page.locator('html.dark').waitFor()
    await part(appearance.title).getByRole('status').getByText(settings.saved).waitFor()
    await page.getByRole('radio', { name: closing.choices.stop.title, exact: true }).check()
    await part(closing.title).getByRole('status').getByText(settings.saved).waitFor()

    const limit = page.getByLabel(storage.limit.title)
    await limit.fill('a lot')
    await storagePart().getByRole('alert').getByText(storage.limit.range).waitFor()
    await limit.fill('2,5')
    await limit.press('Enter')
    await storagePart().getByRole('status').getByText(settings.saved).waitFor()

    // The counter in the frame leads to the switch.
    await page.getByRole('button', { name: '0 connections' }).click()
    await page.getByRole('link', { name: 'Change this in Settings' }).click()
    await page.locator('h2:focus').getByText(privacy.title).waitFor()
    await page.getByRole('switch', { name: privacy.downloads }).click()
    await part(privacy.title).getByRole('status').getByText(settings.saved).waitFor()
    expect(await call('settings.get', {})).toMatchObject({
      theme: 'dark',
      whenClosed: 'stop',
      cacheLimitBytes: 2.5e9,
      allowsDownloads: true,
    })

    // What is measured with comes first; with a model it is tests/e2e/devices.test.ts.
    await part(settings.devices.title).getByText(devices.measure.noModel).waitFor()
    await part(settings.devices.title).getByRole('link', { name: devices.measure.getModel }).click()
    await screen.heading(models.headingNone)
    expect(complaints).toEqual([])
  })

  test('show what is kept, and move it to the bin only after it was shown', async () => {
    const { page, home, complaints } = screen
    const group = (name: string) => storagePart().getByRole('group').filter({ hasText: name })
    await group(storage.kinds.run).getByText(storage.kinds.run).click()
    await storagePart().getByText('1 to 10 of 12').waitFor()
    await storagePart().getByRole('button', { name: storage.next }).click()
    await storagePart().getByRole('checkbox', { name: 'Tick Try 1', exact: true }).check()
    await expectAccessible(screen)
    await storagePart().getByRole('button', { name: storage.remove }).click()
    await dialog().getByText('Try 1', { exact: true }).waitFor()
    await dialog().getByText('can then no longer be continued').waitFor()
    await expectAccessible(screen)
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await dialog().waitFor({ state: 'detached' })
    await storagePart().getByRole('button', { name: storage.remove }).click()
    await dialog().getByRole('button', { name: storage.remove }).click()
    await dialog().waitFor({ state: 'detached' })
    await storagePart().getByRole('status').getByText('One thing is in the bin').waitFor()
    await group(storage.kinds.run).getByText('11 items').waitFor()
    // The keyboard is not lost with the button that was pressed.
    await page.locator('h2:focus').getByText(storage.title).waitFor()

    await storagePart().getByRole('button', { name: storage.cleanUp }).click()
    await dialog().getByText('Copies of models for answering').waitFor()
    await dialog().getByRole('button', { name: storage.remove }).click()
    await storagePart().getByText(storage.clean).waitFor()
    expect(existsSync(join(home, 'cache', 'gguf'))).toBe(false)
    // The newest backups stay, and say why.
    await storagePart().getByText(storage.kinds.backup).click()
    await storagePart().getByText('The newest 7 backups stay.').waitFor()
    expect(complaints).toEqual([])
  })

  test('a refused change says why and springs back; the check of this computer can be run again', async () => {
    const { page, home } = screen
    const { appearance, advanced } = settings
    renameSync(home, `${home}-away`)
    await page.getByRole('radio', { name: appearance.themes.dark }).click()
    await part(appearance.title).getByRole('alert').getByText('could not be written').waitFor()
    expect(await page.getByRole('radio', { name: appearance.themes.light }).isChecked()).toBe(true)
    renameSync(`${home}-away`, home)
    await part(advanced.title).getByRole('button', { name: start.test.run }).click()
    await part(advanced.title).getByRole('button', { name: start.test.again }).waitFor({ timeout: 60_000 })
    await part(advanced.title).getByText(start.test.checks.models).waitFor()
  })
})
