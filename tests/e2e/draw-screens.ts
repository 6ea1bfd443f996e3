// Pictures of every screen, light and dark, for the README: `npx node tests/e2e/draw-screens.ts HOME`. HOME is a library with a
// model and a project whose newest run was proved; it is copied, and the copy is used: a run is started there for the
// picture of training, and an adapter is taken away for "Use it". Needs Chromium.
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium, openTestBrowser } from './support/browser.ts'

const [source] = process.argv.slice(2)
const chromium = findChromium()
if (source === undefined || chromium === null) {
  console.error('Say a library with a proved run: npx node tests/e2e/draw-screens.ts HOME')
  process.exit(1)
}
const folder = join(import.meta.dirname, '..', '..', 'docs', 'screens')
mkdirSync(folder, { recursive: true })

const { page, call, complaints, close } = await openTestBrowser(chromium, async (home) =>
  cpSync(source, home, { recursive: true }),
)
const base = page.url().split('#')[0]
const { rows } = await call('experiments.list', { offset: 0, limit: 50 })
const proved = rows.find(({ proof }) => proof !== null)
if (proved === undefined) throw new Error('no run of this library was proved')
const { projectId } = proved

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
await draw('proof', `/runs/${proved.id}/proof`)
const exported = await call('export.adapter', { runId: proved.id })
for (;;) {
  const { jobs } = await call('system.activity', {})
  if (jobs.find(({ id }) => id === exported.jobId)?.status !== 'running') break
  await page.waitForTimeout(500)
}
await draw('use', `/runs/${proved.id}/use`)
await draw('experiments', '/experiments', async () => {
  for (const box of (await page.getByRole('checkbox').all()).slice(1, 3)) await box.check()
})
await draw('models', '/models')
await draw('chat', '/chat')
await draw('settings', '/settings')

const { runId } = await call('training.start', {
  projectId,
  preset: 'balanced',
  changes: { 'duration.epochs': 8, 'method.topLayers': 10, 'optimizer.learningRate': 0.001 },
})
for (;;) {
  const { validation, state } = await call('training.get', { runId })
  if (validation.length >= 5 || !['queued', 'running'].includes(state.status)) break
  await page.waitForTimeout(2000)
}
await draw('training', `/runs/${runId}/training`)
await call('training.stop', { runId })
await close()
for (const complaint of complaints) console.error(complaint)
