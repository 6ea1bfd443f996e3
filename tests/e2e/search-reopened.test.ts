// A search in the browser host over every end of the whole program: killed in the middle of a trial, ended by Ctrl-C, opened
// again, and at last read on a computer without a network, with its model gone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { findChromium, launchChromium } from './support/browser.ts'
import { expectSearchScreen, expectWholeSearch, followTrial, startSearch } from './support/lasting-search.ts'
import { addModel } from './support/library.ts'
import { launchWebProgram, type WebProgram } from './support/web-program.ts'

const chromium = findChromium()
const limitMs = 180_000

describe.skipIf(chromium === null)('a search in a browser', { timeout: limitMs }, () => {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-reopened-'))
  let browser: Browser
  let program: WebProgram
  beforeAll(async () => {
    browser = await launchChromium(chromium!)
    await addModel(home)
  }, limitMs)
  afterAll(async () => {
    await program?.kill()
    await browser?.close()
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }, limitMs)

  test('goes on by itself after a kill and after Ctrl-C, and is read without a network and without its model', async () => {
    program = await launchWebProgram(browser, home)
    await program.call('settings.set', { isStarted: true })
    const studyId = await startSearch(program)
    await followTrial(program, studyId, 0)
    expect(program.complaints).toEqual([])
    await program.kill()

    program = await launchWebProgram(browser, home)
    await followTrial(program, studyId, 1)
    await program.close()
    expect(program.complaints).toEqual([])

    program = await launchWebProgram(browser, home)
    await expectWholeSearch(program, studyId)
    // A trial was at work when the program ended, and was gone on with.
    const { rows } = await program.call('experiments.list', { studyId })
    expect(rows.some(({ attempts }) => attempts > 1)).toBe(true)
    await program.close()
    rmSync(openLibrary(home).modelsFolder, { recursive: true })

    program = await launchWebProgram(browser, home)
    await expectSearchScreen(program, studyId)
    expect((await program.call('models.list', {})).models).toEqual([])
    expect(program.elsewhere).toEqual([])
  })
})
