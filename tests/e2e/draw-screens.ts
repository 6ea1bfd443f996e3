// Pictures of every screen, light and dark, for the README: `npx node tests/e2e/draw-screens.ts`. A project with sample
// rows is made, measured, trained twice and proved with the starter model of the tests; on two idle cores this takes
// about ten minutes. Needs Chromium.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { chat } from '#renderer/words/en/chat.ts'
import { unwrap } from '#shared/result.ts'
import { findStarterGguf } from '../support/models.ts'
import { findChromium, openTestBrowser } from './support/browser.ts'

const chromium = findChromium()
const starter = findStarterGguf()
if (chromium === null || starter === null) process.exit(1)
const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })

const { page, call, complaints, close } = await openTestBrowser(chromium, async (home) => {
  unwrap(await importModel(openLibrary(home), starter))
})
const base = page.url().split('#')[0]

/** Until the job has ended. */
async function finish({ jobId }: { readonly jobId: string }): Promise<void> {
  for (;;) {
    const job = (await call('system.activity', {})).jobs.find(({ id }) => id === jobId)
    if (job?.status === 'done') return
    if (job?.status !== 'running') throw new Error(JSON.stringify(job))
    await page.waitForTimeout(500)
  }
}

/** Until the run has ended, or `isEnough` of what is there. */
async function follow(
  runId: string,
  isEnough: (measurements: number) => boolean = () => false,
): Promise<void> {
  for (;;) {
    const { run, validation } = await call('training.get', { runId })
    if (isEnough(validation.length) || run.status === 'finished') return
    if (!['queued', 'running'].includes(run.status)) throw new Error(JSON.stringify(run.failure))
    await page.waitForTimeout(1000)
  }
}

const { project, draft } = await call('projects.create', {
  name: 'Sort shop messages',
  goal: 'Sort messages to a bike shop by the team that answers them',
  scenario: 'classification',
  withSample: true,
})
const projectId = project.id
const [model] = (await call('models.list', {})).models
await call('projects.saveDraft', {
  projectId,
  draft: { ...draft, modelId: model!.id, validationShare: 0.15, testShare: 0.25 },
})
await finish(await call('system.measureSpeed', {}))
await finish(await call('advice.start', { projectId }))
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
await follow(gentle)
const firm = await start('Firm', { 'optimizer.learningRate': 0.0005 })
await follow(firm)
await finish(await call('proof.start', { runId: firm }))
await call('experiments.edit', { runId: firm, tags: ['keep'], notes: 'Learns the teams apart.' })
await call('experiments.edit', { runId: gentle, tags: ['too slow'] })

/** The screen at this address in both themes; `arrange` brings it into the state that the picture shows. */
async function draw(
  name: string,
  hash: string,
  arrange: () => Promise<unknown> = async () => {},
): Promise<void> {
  await page.goto(`${base}#${hash}`)
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
await finish(await call('export.adapter', { runId: firm }))
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
await draw('models', '/models')
await draw('chat', '/chat', ask)
await draw('settings', '/settings')

const long = await start('More passes', { 'optimizer.learningRate': 0.001, 'duration.epochs': 8 })
await follow(long, (measurements) => measurements >= 7)
await draw('training', `/runs/${long}/training`)
await call('training.stop', { runId: long })
await close()
for (const complaint of complaints) console.error(complaint)
