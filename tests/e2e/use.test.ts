// What a run is good for, in Chromium: its adapter taken away and checked, both versions side by side while they write,
// stopped and asked again, kept over other screens; and what is said once the model is gone. With a model whose answers are
// long enough to be stopped; the real one goes the whole way in journey.test.ts.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { chat } from '#renderer/words/en/chat.ts'
import { frame } from '#renderer/words/en/frame.ts'
import { models } from '#renderer/words/en/models.ts'
import { use } from '#renderer/words/en/use.ts'
import { writeTalkativeModel } from '../processes/tiny-model.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { expectAccessible, expectReading, soon, type TestBrowser } from './support/browser.ts'
import { addModel, followRun, makeProject } from './support/library.ts'
import { describeInBrowser } from './support/suite.ts'

const limitMs = 480_000

const suite = {
  limitMs,
  patienceMs: limitMs,
  isShared: true,
  prepare: (home: string) =>
    addModel(home, writeTalkativeModel(join(home, 'cache', 'talkative')), { name: 'Talkative' }),
}

describeInBrowser('a trained run in a browser', suite, (screen) => {
  let runId: string
  beforeAll(async () => {
    runId = await trainShortly(screen)
  }, limitMs)

  const answers = () => screen.page.getByRole('article').filter({ has: screen.page.locator('header') })
  const allEnded = () =>
    expect.poll(() => screen.page.locator('article[aria-busy=true]').count(), { timeout: limitMs }).toBe(0)
  const message = () => screen.page.getByRole('textbox', { name: chat.message })

  test('is taken away and checked, and an export that was changed is said to be', async () => {
    const { page, call, button, heading, open } = screen
    await open(`/runs/${runId}/training`)
    await page.getByRole('link', { name: use.button }).click()
    await heading(use.headingReady)
    await expectReading(screen, 'use-ready')
    await expectAccessible(screen)
    await button(use.export).click()
    // The button goes while the export is written; the keyboard waits at the heading.
    await page.locator('h1:focus').waitFor()
    await heading(use.headingChecked)
    const [item] = (await call('export.list', { runId })).exports
    await page.getByText(item!.check.sentence).waitFor()
    expect(item!.check.sentence).toMatch(/to the last digit\.$/)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await button(/^Copy where /).click()
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText()), soon).toBe(item!.place)
    await expectReading(screen, 'use-checked', { isAboutComputer: true })
    await expectAccessible(screen)

    const readme = join(item!.place, 'README.md')
    const written = readFileSync(readme, 'utf8')
    writeFileSync(readme, `${written}\nMine.\n`)
    await page.reload()
    await heading(use.headingUnsure)
    await page.getByText('Changed since it was written: README.md.').waitFor()
    writeFileSync(readme, written)
    await page.reload()
    await heading(use.headingChecked)

    // The address of another run shows that run, also from the same screen.
    await open('/runs/nothing/use')
    await page.getByRole('alert').waitFor()
    await page.getByRole('heading', { name: use.headingChecked }).waitFor({ state: 'detached' })
  })

  test('answers beside its base, can be stopped and asked again, and is still there after another screen', async () => {
    const { page, call, button, heading, open } = screen
    await open(`/runs/${runId}/use`)
    const { suggestions } = await call('chat.ofRun', { runId })
    await button(chat.fine).click()
    const longest = page.getByRole('spinbutton', { name: new RegExp(chat.fields.maxTokens.title) })
    await longest.fill('5000')
    await page.getByRole('alert').getByText(chat.fields.maxTokens.range).waitFor()
    // Enough to be read; the model would go on for a long time.
    await longest.fill('40')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await button(suggestions[0]!.text).click()
    await expect.poll(() => answers().count(), soon).toBe(2)
    await allEnded()
    await page.getByText(`${chat.expected}: ${suggestions[0]!.answer}`).waitFor()
    await page.getByRole('status').filter({ hasText: 'Base model answered: ' }).waitFor({ state: 'attached' })
    await expectAccessible(screen)

    await longest.fill('2048')
    await page.getByRole('spinbutton', { name: new RegExp(chat.fields.temperature.title) }).fill('1.5')
    await message().fill('Tell me a long story')
    await message().press('Shift+Enter')
    await message().pressSequentially('about a parcel')
    await message().press('Enter')
    await expect.poll(() => answers().count(), soon).toBe(4)
    // It grows while it is written.
    const told = async () => ((await answers().nth(2).textContent()) ?? '').length
    const first = await told()
    await expect.poll(told, { timeout: limitMs }).toBeGreaterThan(first + 40)
    await button(chat.stopAnswering).click()
    await page.getByText(chat.ended.stopped).first().waitFor()
    await allEnded()

    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: frame.models }).click()
    await heading(/^One model /)
    await page.goBack()
    await page.getByText('Tell me a long story').waitFor()
    await button(chat.editLast).click()
    expect(await message().inputValue()).toBe('Tell me a long story\nabout a parcel')
    await longest.waitFor({ state: 'detached' })
    await message().fill('where is the parcel')
    await button(chat.fine).click()
    await longest.fill('6')
    await message().press('Enter')
    await allEnded()
    expect(await page.getByText('Tell me a long story').count()).toBe(0)
    await page.getByText('where is the parcel', { exact: true }).waitFor()
  })

  test('is found on the chat screen, beside the model as it comes', async () => {
    const { page, button, heading, open } = screen
    await page.locator('body').click({ position: { x: 5, y: 300 } })
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await heading(/^Talk with /)
    // The same conversation as on the run's own screen.
    await page.getByText('where is the parcel', { exact: true }).waitFor()
    await button(chat.restart).click()
    await button(chat.restart).waitFor({ state: 'detached' })
    await page.getByRole('combobox', { name: chat.partner }).click()
    await page.getByRole('option', { name: 'Talkative' }).click()
    await heading('Talk with Talkative')
    // An address of a run that is not there says so, and leads to one that is.
    await open('/chat?run=no-run')
    await page.getByText('The journal knows no run with this id.').waitFor()
    await heading('Talk with Talkative')
    await open('/chat?model=no-model')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await expectReading(screen, 'chat')
    await expectAccessible(screen)
    await message().fill('Good morning')
    await button(chat.send).click()
    await button(chat.stopAnswering).click()
    await page.getByText(chat.ended.stopped).first().waitFor()
    await allEnded()
  })

  test('says so when its model has gone to the bin', async () => {
    const { page, call, button, heading, open, complaints } = screen
    await open('/models')
    await button('Remove Talkative').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1 run was trained from it: Mail.').waitFor()
    await dialog.getByText(models.removal.keeps).waitFor()
    await expectAccessible(screen)
    await dialog.getByRole('button', { name: models.removal.confirm }).click()
    await heading(models.headingNone)
    expect((await call('models.list', {})).models).toEqual([])
    await open(`/runs/${runId}/use`)
    await page.getByText('no longer on this computer').first().waitFor()
    expect(await message().isEnabled()).toBe(false)
    expect(await button(/^Export/).count()).toBe(0)
    await expectAccessible(screen)
    expect(complaints).toEqual([])
  })
})

/** Two steps on forty short messages. */
async function trainShortly({ call }: TestBrowser): Promise<string> {
  const { projectId } = await makeProject(call, { name: 'Mail', csv: messagesCsv(40) })
  const changes = {
    'batch.maxTokens': 256,
    'duration.maxSteps': 2,
    'batch.microRows': 2,
    'batch.accumulation': 1,
  }
  const { runId } = await call('training.start', { projectId, preset: 'quick', changes, name: 'Mail' })
  await followRun(call, runId)
  return runId
}
