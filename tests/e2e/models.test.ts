// Models in Chromium: none yet, a file that is no model, the real small model dropped on the page, checked byte by byte,
// and moved to the bin.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { common } from '#renderer/words/en/common.ts'
import { models } from '#renderer/words/en/models.ts'
import { findStarterGguf } from '../support/models.ts'
import { expectAccessible, expectReading } from './support/browser.ts'
import { describeInBrowser } from './support/suite.ts'

const starter = findStarterGguf()
const limitMs = 300_000

describeInBrowser('models in a browser', { limitMs, patienceMs: limitMs }, (screen) => {
  beforeEach(async () => {
    await screen.open('/models')
    await screen.heading(models.headingNone)
  }, limitMs)

  test('none yet: the ways to one, and a file that is none is refused with its reason', async () => {
    const { page, folder, button, complaints } = screen
    await expectReading(screen, 'models-empty', { isAboutComputer: true })
    await expectAccessible(screen)
    await button(models.get.buttonFirst).click()
    await page.locator('section:focus').getByRole('heading', { name: models.get.heading }).waitFor()
    // Bug: a browser takes one file, and nothing said how a model that is a folder comes.
    await page.getByText(models.get.folderInBrowser).waitFor()
    await button(models.get.copyCommand).waitFor()
    const path = join(folder, 'letter.gguf')
    writeFileSync(path, 'GGUF and then nothing that is one')
    await page.locator('input[type=file]').setInputFiles(path)
    await page.getByRole('alert').filter({ hasText: 'letter.gguf' }).waitFor()
    await button(/^Fetch /).click()
    await page.getByRole('dialog', { name: models.fetch.titleOff }).waitFor()
    await expectAccessible(screen)
    await button(common.cancel).click()
    expect((await screen.call('system.network', {})).connections).toBe(0)
    expect(complaints).toEqual([])
  })

  test.skipIf(starter === null)('one is dropped on the page, checked, and moved to the bin', async () => {
    const { page, call, button, heading, complaints } = screen
    await drop(starter!)
    await heading('One model is on this computer')
    await page.getByText('SmolLM2-135M-Instruct was added.').waitFor()
    await expectReading(screen, 'models', { isAboutComputer: true })
    await expectAccessible(screen)
    const [model] = (await call('models.list', {})).models
    expect(model).toMatchObject({ name: 'SmolLM2-135M-Instruct', isStarter: true })
    await button('Check it: SmolLM2-135M-Instruct').click()
    await page.getByText(models.verified).waitFor({ timeout: limitMs })
    await button('Remove SmolLM2-135M-Instruct').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(models.removal.unused).waitFor()
    await dialog.getByRole('button', { name: models.removal.confirm }).click()
    await heading(models.headingNone)
    await page.locator('h1:focus').getByText(models.headingNone).waitFor()
    expect((await call('models.list', {})).models).toEqual([])
    expect(complaints).toEqual([])
  })

  /** As from the file manager: the page gets a file of this computer by a drop event. */
  async function drop(path: string): Promise<void> {
    const { page } = screen
    await page.evaluate(() => {
      const source = document.createElement('input')
      source.type = 'file'
      source.id = 'dropped-from'
      document.body.append(source)
    })
    await page.locator('#dropped-from').setInputFiles(path)
    await page.evaluate(() => {
      const source = document.querySelector<HTMLInputElement>('#dropped-from')
      const dataTransfer = new DataTransfer()
      for (const file of source?.files ?? []) dataTransfer.items.add(file)
      for (const type of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
      source?.remove()
    })
  }
})
