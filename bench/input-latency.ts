// How long the page takes from a key or a click to what it paints, while a run trains on all cores of this computer:
// `npx node bench/input-latency.ts [ROUNDS]`. Needs Chromium and the starter model of the tests. Durations are the Event
// Timing API's (W3C, from the input's time stamp to the next paint, in steps of 8 ms).
import { loadavg } from 'node:os'
import type { Page } from 'playwright-core'
import { findChromium, openTestBrowser } from '../tests/e2e/support/browser.ts'
import { addModel, followRun, makeProject } from '../tests/e2e/support/library.ts'
import { findStarterGguf } from '../tests/support/models.ts'

const rounds = Number(process.argv[2] ?? 20)
const chromium = findChromium()
const starter = findStarterGguf()
if (chromium === null || starter === null) process.exit(1)

const { page, call, open, complaints, close } = await openTestBrowser(chromium, (home) =>
  addModel(home, starter),
)

/** Every key and click is timed from here on. */
const watchInput = (): Promise<void> =>
  page.evaluate(() => {
    const seen: Record<number, number> = {}
    Object.assign(globalThis, { seen })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceEventTiming[])
        if (entry.interactionId !== 0)
          seen[entry.interactionId] = Math.max(seen[entry.interactionId] ?? 0, entry.duration)
    }).observe({ type: 'event', durationThreshold: 16, buffered: true } as PerformanceObserverInit)
  })
const seenInput = (): Promise<number[]> =>
  page.evaluate(() => Object.values((globalThis as unknown as { seen: Record<number, number> }).seen))

/** A paint slower than 16 ms is told by the browser, a faster one is not: it counts as 16. */
function sumUp(name: string, slow: readonly number[], inputs: number): void {
  const all = [...slow, ...Array.from({ length: Math.max(0, inputs - slow.length) }, () => 16)].sort(
    (a, b) => a - b,
  )
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(share * all.length))]
  console.log(
    `${name}: ${all.length} inputs, median ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${all.at(-1)} ms`,
  )
}

/** Input in the open screen, key by key, at the pace of a person. */
async function type(target: ReturnType<Page['getByRole']>, text: string): Promise<number> {
  await target.click()
  await target.pressSequentially(text, { delay: 60 })
  for (const _ of text) await target.press('Backspace')
  return 2 * text.length + 1
}

const { projectId } = await makeProject(call, { name: 'Sort mail' })
const { runId } = await call('training.start', {
  projectId,
  preset: 'thorough',
  changes: { 'duration.epochs': 50, 'evaluation.patience': null },
})
const stateNow = async () => (await call('training.get', { runId })).state
await followRun(call, runId, ({ state }) => state.step >= 2)

const screens: readonly [name: string, hash: string, act: () => Promise<number>][] = [
  [
    'a run while it trains',
    `/runs/${runId}/training`,
    async () => {
      for (let press = 0; press < 12; press += 1) await page.keyboard.press('Tab')
      return 12
    },
  ],
  ['experiments, typed search', '/experiments', () => type(page.getByRole('searchbox'), 'sort mail')],
  [
    'the goal of a new project, typed',
    `/projects/${projectId}/goal`,
    () => type(page.getByRole('textbox').last(), 'by team'),
  ],
  [
    'from screen to screen by the rail',
    '/',
    async () => {
      const links = await page.getByRole('navigation').first().getByRole('link').all()
      for (const link of links) {
        await link.click()
        await page.getByRole('heading', { level: 1 }).waitFor()
      }
      return links.length
    },
  ],
]
console.log(`processor share of the trainer ${(await stateNow()).device.processorShare?.toFixed(2)}`)
for (const [name, hash, act] of screens) {
  await open(hash)
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await watchInput()
  let inputs = 0
  for (let round = 0; round < rounds; round += 1) inputs += await act()
  await page.waitForTimeout(500)
  sumUp(name, await seenInput(), inputs)
}
const { step, device } = await stateNow()
console.log(
  `step ${step}, processor share ${device.processorShare?.toFixed(2)}, load ${loadavg()[0]?.toFixed(1)}, complaints ${complaints.length}`,
)
await call('training.stop', { runId })
await close()
