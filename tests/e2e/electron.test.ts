// The desktop program in a real Electron window: what its page may not do, the way from a goal to a trained run, and what
// happens to runs when the window closes. The trainer is a true utility process here (docs/main.md says what is not).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { words } from '#main/words.ts'
import { frame } from '#renderer/words/en/frame.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { start } from '#renderer/words/en/start.ts'
import { studies } from '#renderer/words/en/studies.ts'
import { wizard } from '#renderer/words/en/wizard.ts'
import type { Transport } from '#shared/contract/api.ts'
import type { ProjectDetail } from '#shared/contract/projects.ts'
import type { StudyView } from '#shared/contract/studies.ts'
import { ensureBuilt } from '../../scripts/program-build.ts'
import { rot } from '../journal/support/rot.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import {
  findWindowMachine,
  launchProgram,
  type OpenProgram,
  openScreen,
  type ProgramPlaces,
  startAgain,
  type TestScreen,
} from '../support/electron.ts'
import { runIdOf } from './support/browser.ts'
import { addModel } from './support/library.ts'

const machine = findWindowMachine()
const limitMs = 120_000

describe.skipIf(machine === null)('the desktop program', { timeout: limitMs }, () => {
  let screen: TestScreen
  let folder: string
  let places: ProgramPlaces
  let program: OpenProgram

  beforeAll(async () => {
    const fault = await ensureBuilt()
    if (fault !== null) throw new Error(fault)
    screen = await openScreen()
  }, limitMs)
  afterAll(() => screen?.close())
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunewright-window-'))
    places = { home: join(folder, 'home'), userData: join(folder, 'user data'), display: screen.display }
    mkdirSync(places.userData)
    program = await launchProgram(machine!, places)
  }, limitMs)
  afterEach(async () => {
    await program.app.close().catch(() => {})
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }, limitMs)

  test('the page is shut in: sandboxed, isolated, without Node, its own addresses only', async () => {
    const { app, page } = program
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
    expect(await startAgain(machine!, places)).toBe(0)
    expect(program.app.windows()).toHaveLength(1)
    expect(await call(program.page, 'settings.get', {})).toMatchObject({ ok: true })
  })

  test('from a goal to a run by the wizard; a run goes on behind a closed window and is there when the program opens again', async () => {
    const { app, page, complaints } = program
    await addModel(places.home)
    writeFileSync(join(folder, 'messages.csv'), messagesCsv(60))
    await page.getByRole('heading', { level: 1, name: start.heading }).waitFor()
    await page.getByRole('button', { name: start.ownFiles }).click()
    await page.getByText('Sort texts').first().click()
    await page.getByRole('button', { name: wizard.goal.create }).click()
    await page.locator('input[type=file]').first().setInputFiles(join(folder, 'messages.csv'))
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
    const projectId = (await callOk<{ run: { projectId: string } }>(page, 'training.get', { runId: firstId }))
      .run.projectId

    const changes = { 'duration.epochs': 900, 'evaluation.patience': null }
    const { runId } = await callOk<{ runId: string }>(page, 'training.start', {
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
    expect(await startAgain(machine!, places)).toBe(0)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible())).toBe(
      true,
    )

    await callOk(page, 'settings.set', { whenClosed: 'stop' })
    const ended = new Promise((resolve) => app.process().once('exit', resolve))
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {})
    await ended
    expect(complaints).toEqual([])

    program = await launchProgram(machine!, places)
    const view = await callOk<{ run: { status: string; lastStep: number }; canContinue: boolean }>(
      program.page,
      'training.get',
      { runId },
    )
    expect(view).toMatchObject({ run: { status: 'cancelled' }, canContinue: true })
    expect(view.run.lastStep).toBeGreaterThan(stepAtClose)
    await program.page.evaluate((id) => {
      window.location.hash = `#/runs/${id}/training`
    }, firstId)
    await program.page.getByRole('heading', { level: 1 }).waitFor()
    expect(await statusOf(program.page, firstId)).toBe('finished')

    // Electron itself took the second of two signals for "at once": the run was torn down without its checkpoint.
    await callOk(program.page, 'training.continue', { runId })
    await expect
      .poll(() => stepOf(program.page, runId), { timeout: 60_000 })
      .toBeGreaterThan(view.run.lastStep)
    const killed = program.app.process()
    const gone = new Promise((resolve) => killed.once('exit', (code) => resolve(code)))
    for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) killed.kill(signal)
    expect(await gone).toBe(0)
    program = await launchProgram(machine!, places)
    expect(await statusOf(program.page, runId)).toBe('cancelled')
  })

  test('a search goes on when the program is opened again, and is read with its model gone', async () => {
    await addModel(places.home)
    const projectId = await makeSearchable(program.page)
    await callOk(program.page, 'settings.set', { isStarted: true, whenClosed: 'stop' })
    const { studyId } = await callOk<{ studyId: string }>(program.page, 'studies.start', {
      ...{ projectId, preset: 'quick', changes: shortTrials, effort: 'short' },
      ...{ budget: { trials: 4 }, confirmSeeds: 1, isPruned: false },
    })
    const viewOf = () => callOk<StudyView>(program.page, 'studies.get', { studyId })
    const ended = async () => (await viewOf()).study.trials.complete
    await expect.poll(ended, { timeout: 60_000 }).toBeGreaterThan(0)
    await closeByWindow()
    expect(program.complaints).toEqual([])

    program = await launchProgram(machine!, places)
    await expect.poll(async () => (await viewOf()).study.status, { timeout: 90_000 }).toBe('finished')
    expect((await viewOf()).trials.map(({ number, status }) => [number, status])).toEqual(
      [0, 1, 2, 3].map((number) => [number, 'complete']),
    )
    await closeByWindow()
    rmSync(join(places.home, 'models'), { recursive: true })

    program = await launchProgram(machine!, places)
    const { page, complaints } = program
    await page.evaluate((id) => {
      window.location.hash = `#/studies/${id}`
    }, studyId)
    await page
      .getByRole('heading', { level: 1, name: /^Lowest loss .*, not checked with other seeds$/ })
      .waitFor()
    const table = page.getByRole('region', { name: studies.trials.region })
    await table.getByRole('rowheader', { name: 'Trial 4' }).waitFor()
    await page.locator('canvas').first().waitFor()
    expect(complaints).toEqual([])
  })

  test('over a rotten journal the window opens all the same, and a backup takes its place in it', async () => {
    await callOk(program.page, 'settings.set', { isStarted: true, whenClosed: 'stop' })
    await callOk(program.page, 'projects.create', { name: 'Kept', scenario: 'classification' })
    await callOk(program.page, 'journal.backup', {})
    await closeByWindow()
    rot(join(places.home, 'journal.db'))

    program = await launchProgram(machine!, places)
    const { page, complaints } = program
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
    await closeByWindow()

    program = await launchProgram(machine!, places)
    await program.page.getByRole('heading', { level: 3, name: 'Kept' }).waitFor()
    expect(await program.page.getByText(frame.journal.damaged).count()).toBe(0)
  })

  async function closeByWindow(): Promise<void> {
    const { app } = program
    const gone = new Promise((resolve) => app.process().once('exit', resolve))
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {})
    await gone
  }

  test('a page that dies comes back, the fourth time in a minute when a person says so; a dead helper is told', async () => {
    const { app, page } = program
    let errors = ''
    app.process().stderr?.on('data', (piece) => {
      errors += piece
    })
    await page.getByRole('heading', { level: 1 }).waitFor()
    await app.evaluate(({ app: electronApp, dialog }) => {
      const asked: string[] = []
      Object.assign(globalThis, { asked })
      dialog.showMessageBox = async (...given: unknown[]) => {
        asked.push((given.at(-1) as { title: string }).title)
        return { response: 0, checkboxChecked: false }
      }
      const gpu = electronApp.getAppMetrics().find(({ type }) => type === 'GPU')
      if (gpu) process.kill(gpu.pid, 'SIGKILL')
    })
    await expect
      .poll(() => errors, { timeout: 10_000 })
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
})

const call = (page: Page, name: string, input: unknown): Promise<unknown> =>
  page.evaluate(
    ([asked, given]) =>
      (window as unknown as { tunewright: Transport }).tunewright.call(asked as string, given),
    [name, input] as const,
  )

async function callOk<T = unknown>(page: Page, name: string, input: unknown): Promise<T> {
  const reply = (await call(page, name, input)) as { ok: boolean; value: T }
  if (!reply.ok) throw new Error(JSON.stringify(reply))
  return reply.value
}

/** Trials of a second. */
const shortTrials = { 'duration.maxSteps': 12, 'batch.maxTokens': 256, 'checkpoints.everySeconds': null }

async function makeSearchable(page: Page): Promise<string> {
  const { project, draft } = await callOk<ProjectDetail>(page, 'projects.create', {
    name: 'Teams',
    scenario: 'classification',
  })
  const bytes = Buffer.from(messagesCsv(60))
  const file = { purpose: { kind: 'data', projectId: project.id }, name: 'm.csv', sizeBytes: bytes.length }
  const { uploadId } = await callOk<{ uploadId: string }>(page, 'upload.begin', file)
  await callOk(page, 'upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') })
  await callOk(page, 'upload.finish', { uploadId })
  const { models } = await callOk<{ models: { id: string }[] }>(page, 'models.list', {})
  const ready = { ...draft, modelId: models[0]?.id ?? null, instruction: 'Name the team.' }
  await callOk(page, 'projects.saveDraft', { projectId: project.id, draft: ready })
  return project.id
}

const loadOf = async (page: Page, runId: string): Promise<number> => {
  const view = await callOk<{ state: { device: { processorShare: number | null } } }>(page, 'training.get', {
    runId,
  })
  return view.state.device.processorShare ?? 0
}

const statusOf = async (page: Page, runId: string): Promise<string> =>
  (await callOk<{ run: { status: string } }>(page, 'training.get', { runId })).run.status

const stepOf = async (page: Page, runId: string): Promise<number> =>
  (await callOk<{ state: { step: number } }>(page, 'training.get', { runId })).state.step
