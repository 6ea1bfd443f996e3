// The desktop program in a real Electron window: what its page may not do, and what happens when the page dies, the program
// is started twice, or its journal is rotten.
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { words } from '#main/words.ts'
import { frame } from '#renderer/words/en/frame.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { rot } from '../journal/support/rot.ts'
import { smallDisk } from '../support/small-disk.ts'
import { describeInWindow, windowCall } from './support/window.ts'

const disk = smallDisk('12m', 'full-disk test of the window')

describeInWindow('the desktop program', { isShared: true }, (place) => {
  test('the page is shut in: sandboxed, isolated, without Node, its own addresses only', async () => {
    const { app, page } = place.program
    await page.getByRole('heading', { level: 1 }).waitFor()
    const settings = await app.evaluate(({ webContents }) =>
      webContents.getAllWebContents().map((contents) => {
        // Electron has this call; its types leave it out.
        const { getLastWebPreferences } = contents as unknown as {
          getLastWebPreferences(): Electron.WebPreferences
        }
        const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } =
          getLastWebPreferences.call(contents)
        return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag: webviewTag ?? false }
      }),
    )
    expect(settings).toEqual([
      { sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true, webviewTag: false },
    ])
    const seen = await page.evaluate(async () => {
      const get = (address: string) =>
        fetch(address).then(
          ({ status }) => status,
          () => 'refused',
        )
      const globals = window as unknown as Record<string, unknown>
      return {
        node: ['require', 'process', 'module', 'Buffer', 'global'].filter((name) => name in globals),
        bridge: Object.keys(globals.tunewright as object),
        foreign: [
          await get('https://example.org/'),
          await get('http://127.0.0.1:1/'),
          await get('file:///etc/passwd'),
        ],
        outside: [
          await get('/../package.json'),
          await get('/..%2f..%2fpackage.json'),
          await get('app://other/index.html'),
        ],
        opened: window.open('https://example.org/') === null,
        notification: await Notification.requestPermission(),
      }
    })
    expect(seen).toEqual({
      node: [],
      bridge: ['call', 'onEvent'],
      foreign: ['refused', 'refused', 'refused'],
      outside: [404, 404, 'refused'],
      opened: true,
      notification: 'denied',
    })
    const before = page.url()
    await page.evaluate(() => {
      window.location.href = 'https://example.org/'
    })
    await page.evaluate(() => {
      window.location.href = 'data:text/html,<h1>elsewhere</h1>'
    })
    await page.waitForTimeout(300)
    expect(page.url()).toBe(before)
  })

  test('a second start shows the window that is there and ends', async () => {
    expect(await place.startAgain()).toBe(0)
    expect(place.program.app.windows()).toHaveLength(1)
    expect(await windowCall(place.program.page)('settings.get', {})).toMatchObject({ isStarted: false })
  })
})

describeInWindow('the desktop program, when something fails', {}, (place) => {
  test('a page that dies comes back, the fourth time in a minute when a person says so; a dead helper is told', async () => {
    const { app, page } = place.program
    let errors = ''
    app.process().stderr?.on('data', (piece) => {
      errors += piece
    })
    await page.getByRole('heading', { level: 1 }).waitFor()
    await app.evaluate(async ({ app: electronApp, dialog }) => {
      const asked: string[] = []
      Object.assign(globalThis, { asked })
      dialog.showMessageBox = async (...given: unknown[]) => {
        asked.push((given.at(-1) as { title: string }).title)
        return { response: 0, checkboxChecked: false }
      }
      const gpuNow = () => electronApp.getAppMetrics().find(({ type }) => type === 'GPU')
      // It may not be there yet on a busy machine.
      while (!gpuNow()) await new Promise((resolve) => setTimeout(resolve, 50))
      process.kill(gpuNow()!.pid, 'SIGKILL')
    })
    await expect
      .poll(() => errors, { timeout: 30_000 })
      .toContain('A helper process of the window ended: GPU')
    const crash = () =>
      app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
      )
    const asked = () => app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)
    const isBack = () =>
      app.evaluate(({ BrowserWindow }) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents
        if (!contents || contents.isCrashed() || contents.isLoading()) return false
        const asked = contents.executeJavaScript(
          "window.tunewright.call('settings.get', {}).then(({ ok }) => ok && document.querySelector('h1') !== null)",
        )
        // A page that dies meanwhile never answers.
        return Promise.race([asked, new Promise((resolve) => setTimeout(() => resolve(false), 2_000))])
      })
    for (const titles of [[], [], [], [words.pageDied.title]]) {
      await crash()
      await expect.poll(isBack, { timeout: 30_000 }).toBe(true)
      expect(await asked()).toEqual(titles)
    }
  })

  test('over a rotten journal the window opens all the same, and a backup takes its place in it', async () => {
    const call = windowCall(place.program.page)
    await call('settings.set', { isStarted: true, whenClosed: 'stop' })
    await call('projects.create', { name: 'Kept', scenario: 'classification' })
    await call('journal.backup', {})
    await place.closeByWindow()
    rot(join(place.home, 'journal.db'))

    await place.open()
    const { page, complaints } = place.program
    await page.getByText(frame.journal.damaged).waitFor()
    await page.getByRole('link', { name: frame.journal.open }).click()
    await page.locator('h2:focus').getByText(settings.journal.title).waitFor()
    await page
      .getByRole('button', { name: /^Go back to it, the backup/ })
      .first()
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: settings.journal.dialog.confirm }).click()
    await page.getByText('The journal is as it was on').waitFor()
    await page.getByText(frame.journal.damaged).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: frame.projects, exact: true }).click()
    await page.getByRole('heading', { level: 3, name: 'Kept' }).waitFor()
    expect(complaints).toEqual([])
    await place.closeByWindow()

    await place.open()
    await place.program.page.getByRole('heading', { level: 3, name: 'Kept' }).waitFor()
    expect(await place.program.page.getByText(frame.journal.damaged).count()).toBe(0)
  })

  test.skipIf(!disk.canMount)(
    'on a full disk the window opens for reading, and says so where something is changed',
    async () => {
      const call = windowCall(place.program.page)
      await call('settings.set', { isStarted: true, whenClosed: 'stop' })
      await call('projects.create', { name: 'Kept', scenario: 'classification' })
      await place.closeByWindow()
      cpSync(place.home, disk.folder, { recursive: true })
      execFileSync('mount', ['--bind', disk.folder, place.home])
      try {
        disk.fill()
        await place.open()
        const { page, complaints } = place.program
        await page.getByRole('heading', { level: 3, name: 'Kept' }).waitFor()
        const made = windowCall(page)('projects.create', { name: 'Later', scenario: 'classification' })
        await expect(made).rejects.toThrow(/The disk of .+ is full, so Tunewright is open for reading only/)
        expect(complaints).toEqual([])
        await place.closeByWindow()
      } finally {
        execFileSync('umount', ['-l', place.home])
      }
    },
  )
})
