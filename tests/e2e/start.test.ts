// The first start in Chromium, in a library that nobody has used: the check of this computer, and the way from "Try a
// sample" to rows. Nothing is fetched and no model is there.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '#renderer/words/en/start.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import { selfTestIds } from '#shared/contract/system.ts'
import { expectAccessible, expectReading } from './support/browser.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 180_000

describeInBrowser('the first start in a browser', { limitMs, isStarted: false }, (screen) => {
  const button = (name: string) => screen.page.getByRole('button', { name, exact: true })
  const checked = () => button(start.test.again).waitFor({ timeout: 60_000 })

  test('checks this computer and leads to a project with rows, without a question', async () => {
    const { page, call, heading, open, complaints } = screen
    await heading(start.heading)
    expect(page.url()).toMatch(/#\/start$/)
    await checked()
    for (const id of selfTestIds)
      await page.getByRole('listitem').filter({ hasText: start.test.checks[id] }).waitFor()
    await expectReading(screen, 'start', { isAboutComputer: true })
    await expectAccessible(screen)
    // Until it was seen through it stands where the projects will be; the settings are there all the same.
    await page.getByRole('link', { name: 'Settings', exact: true }).click()
    await page.getByRole('heading', { name: 'Privacy' }).waitFor()
    await page.getByRole('link', { name: 'Projects', exact: true }).click()
    await heading(start.heading)

    // The check is running again; nobody has to wait for it.
    await button(start.trySample).click()
    await heading(wizard.data.heading)
    await button(wizard.data.next).and(page.locator(':enabled')).waitFor()
    const { projects } = await call('projects.list', {})
    expect(projects).toMatchObject([
      { project: { name: start.sampleName, scenario: 'classification' }, hasSample: true },
    ])
    expect(await call('settings.get', {})).toMatchObject({ isStarted: true, allowsDownloads: false })
    expect(await call('system.network', {})).toMatchObject({ connections: 0 })
    await open('/')
    await page.getByRole('link', { name: `Open ${start.sampleName}` }).waitFor()
    expect(complaints).toEqual([])
  })

  test('says what is wrong and what helps, and can be asked again', async () => {
    const { page, home } = screen
    await checked()
    rmSync(join(home, 'models'), { recursive: true })
    await button(start.test.again).click()
    const alert = page.getByRole('listitem').filter({ hasText: start.test.checks.models }).getByRole('alert')
    await alert.getByText('could not be read').waitFor({ timeout: 60_000 })
    await page.getByText('One thing needs a hand.').waitFor()
    await expectAccessible(screen)
    // The own files are a way on with a fault too.
    await button(start.ownFiles).click()
    await page.waitForURL(/#\/projects\/new$/)
    expect(await screen.call('settings.get', {})).toMatchObject({ isStarted: true })
  })
})
