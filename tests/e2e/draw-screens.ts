// Pictures of every screen, light and dark, for the README: `npx node tests/e2e/draw-screens.ts`, or of those that are named
// behind it (`plan experiments`). A project with sample rows is made, measured, trained twice and proved with the starter
// model of the tests; on two idle cores this takes about ten minutes. Needs Chromium.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openLibrary } from '#core/system/library.ts'
import { chat } from '#renderer/words/en/chat.ts'
import { settings } from '#renderer/words/en/settings.ts'
import { findStarterGguf } from '../support/models.ts'
import { hasTensorflow, linkTensorflow } from '../support/tensorflow-engine.ts'
import { findChromium, openTestBrowser } from './support/browser.ts'
import { addModel, followJob, followRun, followStudy, makeProject } from './support/library.ts'

const chromium = findChromium()
const starter = findStarterGguf()
if (chromium === null || starter === null) process.exit(1)
const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })

const { page, call, open, complaints, close } = await openTestBrowser(chromium, async (home) => {
  await addModel(home, starter)
  // With it the settings have something to choose from.
  if (hasTensorflow()) await linkTensorflow(openLibrary(home).enginesFolder)
})

const { projectId } = await makeProject(call, {
  name: 'Sort shop messages',
  goal: 'Sort messages to a bike shop by the team that answers them',
  draft: { validationShare: 0.15, testShare: 0.25 },
})
await followJob(call, await call('devices.measure', { modelId: null }))
await followJob(call, await call('advice.start', { projectId }))
const learn = {
  'method.topLayers': 10,
  'batch.microRows': 8,
  gradientCheckpointing: false,
  'evaluation.everySteps': 8,
}
const start = async (name: string, changes: Record<string, number>): Promise<string> => {
  const plan = { projectId, preset: 'balanced' as const, changes: { ...learn, ...changes }, name }
  return (await call('training.start', plan)).runId
}
const gentle = await start('Gentle', { 'optimizer.learningRate': 0.0001 })
await followRun(call, gentle)
const firm = await start('Firm', { 'optimizer.learningRate': 0.0005 })
await followRun(call, firm)
await followJob(call, await call('proof.start', { runId: firm }))
await call('experiments.edit', { runId: firm, tags: ['keep'], notes: 'Learns the teams apart.' })
await call('experiments.edit', { runId: gentle, tags: ['too slow'] })

const wanted = new Set(process.argv.slice(2))
const isWanted = (name: string): boolean => wanted.size === 0 || wanted.has(name)

/** The screen at this address in both themes; `arrange` brings it into the state that the picture shows. */
async function draw(
  name: string,
  hash: string,
  arrange: () => Promise<unknown> = async () => {},
): Promise<void> {
  if (!isWanted(name)) return
  await open(hash)
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await arrange()
  for (const theme of ['light', 'dark'] as const) {
    await call('settings.set', { theme })
    await page.locator(`html.${theme}`).waitFor()
    // Charts are drawn anew after a theme.
    await page.waitForTimeout(700)
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`) })
  }
  console.log(name)
}
const text = (words: string | RegExp) => page.getByText(words).first()

await draw('start', '/start', () => text('Everything works').waitFor({ timeout: 120_000 }))
await draw('projects', '/')
await draw('goal', '/projects/new')
for (const step of ['data', 'model', 'advice', 'plan']) await draw(step, `/projects/${projectId}/${step}`)
await draw('proof', `/runs/${firm}/proof`)
await followJob(call, await call('export.start', { runId: firm, form: 'peft' }))
await draw('use', `/runs/${firm}/use`)
/** The first suggested message, answered by both. */
const ask = async (): Promise<void> => {
  await page.getByRole('main').getByRole('listitem').getByRole('button').first().click()
  await text(chat.expected).waitFor({ timeout: 120_000 })
  await page.getByRole('button', { name: chat.stop }).waitFor({ state: 'detached', timeout: 120_000 })
}
await draw('experiments', '/experiments', async () => {
  for (const box of (await page.getByRole('checkbox').all()).slice(0, 2)) await box.check()
})
// Of a new last layer a trial takes seconds: what the model makes of the rows is computed once for all of them.
const search = {
  projectId,
  preset: 'balanced' as const,
  changes: { 'method.kind': 'head' },
  effort: 'short' as const,
}
const { studyId } = await call('studies.start', { ...search, budget: { trials: 24 }, name: 'Night search' })
await followStudy(call, studyId)
await draw('search', `/studies/new?project=${projectId}`, () => page.locator('[aria-busy=false]').waitFor())
await draw('study', `/studies/${studyId}`, () => page.locator('canvas').first().waitFor())
await draw('timeline', '/experiments/timeline')
await draw('lineage', `/runs/${firm}/lineage`)
await draw('models', '/models')
await draw('chat', '/chat', ask)
await draw('settings', '/settings')
await call('journal.backup', {})
await draw('journal', '/settings#journal', () => text(settings.journal.backups.make).waitFor())

if (isWanted('training')) await drawTraining()
await close()
for (const complaint of complaints) console.error(complaint)

async function drawTraining(): Promise<void> {
  const long = await start('More passes', { 'optimizer.learningRate': 0.001, 'duration.epochs': 8 })
  await followRun(call, long, ({ validation }) => validation.length >= 7)
  await draw('training', `/runs/${long}/training`)
  await call('training.stop', { runId: long })
}
