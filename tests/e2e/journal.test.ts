// The journal as a thing to keep, in Chromium: looked at, read again, backed up, put back, carried out, looked into beside
// others; and a journal that cannot be used, from the first screen to where everything is there again without a reload.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import { common } from '#renderer/words/en/common.ts'
import { experiments } from '#renderer/words/en/experiments.ts'
import { frame } from '#renderer/words/en/frame.ts'
import { models } from '#renderer/words/en/models.ts'
import { projects } from '#renderer/words/en/projects.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { unwrap } from '#shared/result.ts'
import { otherJournal } from '../core/archive/other-journal.ts'
import { rot } from '../journal/support/rot.ts'
import { addSampleLibrary } from '../journal/support/sample.ts'
import { expectAccessible, expectReading, soon, type TestBrowser } from './support/browser.ts'
import { addModel } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 180_000
const { journal } = settings
const journalOf = (home: string): string => join(home, 'journal.db')

/** Runs, a project, a backup of both, and a project that came later. */
async function fill(home: string): Promise<void> {
  const writer = unwrap(openJournalWriter(journalOf(home)))
  const newRun = addSampleLibrary(writer)
  for (let n = 1; n <= 3; n++) unwrap(writer.createRun({ ...newRun, name: `Try ${n}` }))
  unwrap(writer.backup())
  unwrap(writer.addProject({ name: 'Came later', scenario: 'classification', goal: 'Sort mail.' }))
  unwrap(writer.close())
}

async function fillAndRot(home: string): Promise<void> {
  await fill(home)
  await addModel(home)
  rot(journalOf(home))
}

async function fillAndChange(home: string): Promise<void> {
  await fill(home)
  const db = new Database(journalOf(home))
  db.exec("UPDATE projects SET name = 'Renamed by hand' WHERE name = 'Came later'")
  db.close()
}

const part = ({ page }: TestBrowser) => page.getByRole('region', { name: journal.title, exact: true })
const status = (screen: TestBrowser, text: string) =>
  part(screen).getByRole('status').filter({ hasText: text }).waitFor({ timeout: 60_000 })
/** The keyboard is somewhere, and not on the page's body. */
const focused = ({ page }: TestBrowser): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')

describeInBrowser('the journal in the settings', { limitMs, prepare: fill }, (screen) => {
  test('is looked at, read again, backed up and put back', async () => {
    const { page, complaints, call } = screen
    await screen.open('/settings#journal')
    await part(screen).getByText('3 runs, 0 searches').waitFor()
    await part(screen).getByText(journal.never).waitFor()
    await page.locator('h2:focus').getByText(journal.title).waitFor()

    await part(screen).getByRole('button', { name: journal.check }).press('Enter')
    await status(screen, journal.sound)
    await part(screen).getByText('all is as it was written').waitFor()
    await expect.poll(() => focused(screen)).toBe(journal.title)

    await part(screen).getByRole('button', { name: journal.backups.make }).press('Enter')
    await status(screen, 'A backup was made')
    await expect.poll(() => focused(screen)).toBe(journal.backups.make)
    await expectAccessible(screen)

    const goBack = part(screen).getByRole('button', { name: /^Go back to it, the backup/ })
    expect(await goBack.count()).toBe((await call('journal.get', {})).backups.length)
    const dialog = page.getByRole('dialog')
    await goBack.last().press('Enter')
    await dialog.getByText(journal.dialog.text).waitFor()
    await dialog.getByText(journal.dialog.backupFirst).waitFor()
    await expectAccessible(screen)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => focused(screen)).toBe(journal.backups.restore)
    expect((await call('projects.list', {})).projects).toHaveLength(2)

    await goBack.last().press('Enter')
    await dialog.getByRole('button', { name: journal.dialog.confirm }).press('Enter')
    await dialog.waitFor({ state: 'detached', timeout: 60_000 })
    await status(screen, 'The journal is as it was on')
    await part(screen).getByText('is kept as').waitFor()
    await expect.poll(() => focused(screen)).toBe(journal.backups.title)
    expect((await call('projects.list', {})).projects).toHaveLength(1)
    await expectReading(screen, 'journal-restored', { isAboutComputer: true, part: part(screen) })
    expect(complaints).toEqual([])
  })

  test('is carried out, and another one is looked into and closed again', async () => {
    const { page, home, folder, complaints } = screen
    await screen.open('/settings#journal')
    await part(screen).getByRole('button', { name: journal.out.forms.jsonl }).press('Enter')
    const place = join(home, 'exports', 'Journal as JSON lines')
    await part(screen).getByText(place).waitFor({ timeout: 60_000 })
    expect(existsSync(join(place, 'runs.jsonl'))).toBe(true)
    // The same screen shows at once that it takes space.
    await page
      .getByRole('region', { name: settings.storage.title, exact: true })
      .getByText(settings.storage.kindsTerm.export)
      .waitFor()
    await expect.poll(() => focused(screen)).not.toBe('')
    await part(screen).getByRole('button', { name: journal.out.copy }).waitFor()

    const stick = join(folder, 'stick', 'journal.db')
    mkdirSync(dirname(stick))
    copyFileSync(otherJournal().path, stick)
    const before = readFileSync(stick)
    // Bug: a file that was chosen by mistake could not be given back, and what was wrong with it stood above the next one.
    const wrong = join(folder, 'wrong.db')
    writeFileSync(wrong, 'no journal '.repeat(50))
    await part(screen).locator('input[type=file]').setInputFiles(wrong)
    await part(screen).getByRole('button', { name: journal.other.look }).press('Enter')
    await part(screen).getByText('This file is not a Tunewright journal.').waitFor()
    await part(screen).locator('input[type=file]').setInputFiles(wrong)
    await part(screen).getByRole('button', { name: common.cancel }).press('Enter')
    await expect.poll(() => focused(screen)).toBe(journal.other.title)
    await part(screen).getByText('This file is not a Tunewright journal.').waitFor({ state: 'detached' })
    await part(screen).locator('input[type=file]').setInputFiles(stick)
    await part(screen).getByRole('button', { name: journal.other.look }).press('Enter')
    // The page sent it: it is called as the person's file is.
    await part(screen).getByText('journal.db', { exact: true }).waitFor({ timeout: 60_000 })
    await part(screen).getByText('It has 8 runs.').waitFor()
    await expect.poll(() => focused(screen)).toBe(journal.other.title)
    await expectAccessible(screen)
    await part(screen).getByRole('link', { name: journal.other.show }).press('Enter')
    await page.getByText(experiments.other.text).waitFor()
    await page.getByText('It came with the file journal.db.').waitFor()
    const grid = page.getByRole('grid', { name: experiments.table.label })
    await grid.getByRole('link', { name: 'Overnight', exact: true }).click()
    await page.getByText(experiments.other.text).waitFor()
    await page.getByRole('link', { name: 'Trial 1', exact: true }).waitFor()
    await page.goBack()
    await grid.getByRole('link', { name: 'Run 3', exact: true }).click()
    await page.getByText('night 3').waitFor()
    // It is of no project here.
    const rail = page.getByRole('navigation', { name: frame.mainNavigation })
    const marked = rail.getByRole('link', { name: frame.experiments })
    expect(await marked.getAttribute('aria-current')).toBe('page')
    await page.getByText(experiments.other.text).waitFor()
    await expectAccessible(screen)
    await page.goBack()
    await grid.waitFor()
    await page.getByRole('link', { name: experiments.other.leave }).press('Enter')
    await page.getByText('Try 1', { exact: true }).first().waitFor()
    await screen.open('/settings#journal')
    await part(screen).getByRole('button', { name: journal.other.close }).press('Enter')
    await part(screen).getByText('It has 8 runs.').waitFor({ state: 'detached' })
    await expect.poll(() => focused(screen)).toBe(journal.other.title)
    expect(readFileSync(stick).equals(before)).toBe(true)

    await part(screen).locator('input[type=file]').setInputFiles(stick)
    await part(screen).getByRole('button', { name: journal.other.add }).press('Enter')
    await status(screen, '8 runs were added.')
    await part(screen).getByText('11 runs, 1 search').waitFor()
    expect(complaints).toEqual([])
  })

  test('what a reading found is said on every screen, with the place', async () => {
    const { page, home, call, complaints } = screen
    const db = new Database(journalOf(home))
    db.exec("INSERT INTO queue (kind, id, priority, place, added_at_ms) VALUES ('study', 'nothing', 1, 1, 1)")
    db.close()
    await screen.open('/models')
    await call('journal.check', {})
    await page.getByText('One thing in the journal is not as it was written.').waitFor({ timeout: 60_000 })
    await page.getByRole('link', { name: frame.journal.open }).press('Enter')
    await part(screen).getByText('the queue names a run or study that is not there').waitFor()
    await expectAccessible(screen)
    expect(complaints).toEqual([])
  })
})

/** Each asks the journal. */
const asking = ['/', '/experiments', '/experiments/timeline', '/models', '/chat', '/studies/new', '/settings']
const ofOne = [
  '/projects/nothing',
  '/runs/nothing/training',
  '/runs/nothing/proof',
  '/runs/nothing/use',
  '/runs/nothing/lineage',
  '/studies/nothing',
]

describeInBrowser('a rotten journal', { limitMs, prepare: fillAndRot }, (screen) => {
  test('is said on every screen, and mended in the settings without a reload', async () => {
    const { page, home, complaints, call } = screen
    await page.evaluate(() => Object.assign(window, { isSamePage: true }))
    for (const path of [...asking, ...ofOne]) {
      // A screen that needs no journal stands between, so that no alert is the one of the screen before.
      await screen.open('/projects/new')
      await expect.poll(() => page.getByRole('alert').count(), soon).toBe(0)
      await screen.open(path)
      await page.getByText(frame.journal.damaged).waitFor()
      const said = async () => (await page.getByRole('alert').allInnerTexts()).join('\n')
      await expect.poll(said, { message: path, ...soon }).toContain('The journal is damaged: what it holds')
      expect(await page.getByText(models.headingNone).count(), path).toBe(0)
      // Nothing is waited for that never comes.
      await expect
        .poll(() => page.locator('main [class*=animate-spin]').count(), {
          message: path,
          timeout: 10_000,
        })
        .toBe(0)
    }
    await screen.open('/')
    await expectAccessible(screen)
    await page.getByRole('link', { name: frame.journal.open }).press('Enter')
    await page.locator('h2:focus').getByText(journal.title).waitFor()
    await part(screen).getByText(journal.damage.damaged).waitFor()
    await expectReading(screen, 'journal-damaged', { isAboutComputer: true, part: part(screen) })
    await expectAccessible(screen)

    await part(screen)
      .getByRole('button', { name: /^Go back to it, the backup/ })
      .first()
      .press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText(journal.dialog.fileOnly).waitFor()
    await dialog.getByRole('button', { name: journal.dialog.confirm }).press('Enter')
    await status(screen, 'The journal is as it was on')
    await part(screen).getByText('3 runs, 0 searches').waitFor()
    await expect.poll(() => focused(screen)).toBe(journal.backups.title)
    await page.getByText(frame.journal.damaged).waitFor({ state: 'detached' })
    expect(existsSync(join(home, 'backups'))).toBe(true)
    // Parts of the same screen that could not answer before do so now.
    await page
      .getByRole('region', { name: settings.storage.title, exact: true })
      .getByText('kept by Tunewright')
      .waitFor()
    await page.getByRole('link', { name: frame.projects, exact: true }).click()
    await screen.heading(projects.headingGoOn)
    await page.getByRole('heading', { level: 3, name: 'Support mail' }).waitFor()
    expect(await page.evaluate(() => 'isSamePage' in window)).toBe(true)
    expect((await call('projects.list', {})).projects).toHaveLength(1)
    expect(complaints).toEqual([])
  })

  test('another window that looks on is shown the new journal too', async () => {
    const { page, call } = screen
    await screen.open('/')
    await page.getByRole('alert').filter({ hasText: 'The journal is damaged' }).waitFor()
    await call('journal.restore', {})
    await page.getByRole('heading', { level: 3, name: 'Support mail' }).waitFor()
    await page.getByText(frame.journal.damaged).waitFor({ state: 'detached' })
    expect(await page.getByRole('alert').count()).toBe(0)
  })
})

describeInBrowser('a journal that another program changed', { limitMs, prepare: fillAndChange }, (screen) => {
  test('counts as it is when a person says so', async () => {
    const { page, complaints } = screen
    await screen.open('/')
    await page.getByText(frame.journal.changed).waitFor()
    await page.getByRole('link', { name: frame.journal.open }).press('Enter')
    await part(screen).getByText(journal.damage.changed).waitFor()
    await expectAccessible(screen)
    await part(screen).getByRole('button', { name: journal.damage.accept }).press('Enter')
    await part(screen).getByText('3 runs, 0 searches').waitFor()
    await expect.poll(() => focused(screen)).toBe(journal.title)
    await page.getByRole('link', { name: frame.projects, exact: true }).click()
    await page.getByRole('heading', { level: 3, name: 'Renamed by hand' }).waitFor()
    expect(await page.getByText(frame.journal.changed).count()).toBe(0)
    expect(complaints).toEqual([])
  })
})
