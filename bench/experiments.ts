// How fast the screen of experiments is over a journal of many years: `npx node bench/experiments.ts [RUNS] [HOME]`, 10,000
// runs of 100 events unless told; the library in HOME is kept and used again. Chromium over the browser host; every time
// is from the act to rows that are painted.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { pageFolder } from '#core/system/program-places.ts'
import { dispatch } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { startWebHost } from '#web/host.ts'
import { ensureBuilt } from '../scripts/program-build.ts'
import { findChromium } from '../tests/e2e/support/browser.ts'
import { openCore } from './experiment-calls.ts'
import { writeManyRuns } from './many-experiments.ts'
import { loadNow } from './timed-rows.ts'

const runs = Number(process.argv[2] ?? 10_000)
const keptHome = process.argv[3]
const eventsPerRun = 100
const times = 15

const executablePath = findChromium()
if (executablePath === null) process.exit(1)
const fault = await ensureBuilt()
if (fault !== null) throw new Error(fault)
const folder = mkdtempSync(join(tmpdir(), 'tunewright-experiments-'))
const home = keptHome ?? join(folder, 'home')
mkdirSync(home, { recursive: true })
const journal = join(home, 'journal.db')
if (!existsSync(journal)) {
  const startMs = performance.now()
  writeManyRuns(journal, { runs, eventsPerRun })
  console.log(`written in ${Math.round((performance.now() - startMs) / 1000)} s`)
}
const size = `${Math.round(statSync(journal).size / 1e6)} MB`
console.log(`${runs} runs, ${runs * eventsPerRun} events, ${size}; ${loadNow()}`)

const { handlers, onEvent, close } = openCore(home)
unwrap(await dispatch(handlers, 'settings.set', { isStarted: true }))
const host = await startWebHost({ handlers, pageFolder, onEvent })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })

/** On a busy machine the processor time says what an idle one would need; it is the core's, without the page's. */
async function measure(what: string, work: () => Promise<number>): Promise<void> {
  const found: number[] = []
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) found.push(await work())
  const { user, system } = process.cpuUsage(before)
  found.sort((a, b) => a - b)
  const at = (share: number): string => `${Math.round(found[Math.ceil(share * times) - 1] ?? 0)} ms`
  const processor = Math.round((user + system) / 1000 / times)
  console.log(`${what}: p50 ${at(0.5)}, p95 ${at(0.95)}, processor of the core ${processor} ms`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beginMs = performance.now()
  await work()
  return performance.now() - beginMs
}
const list = (what: string, query: Readonly<Record<string, unknown>>): Promise<void> =>
  measure(`  experiments.list, ${what}`, () => timed(() => dispatch(handlers, 'experiments.list', query)))

await list('first page', {})
await list('last page', { offset: runs - 100 })
await list('by loss', { sort: 'bestLoss' })
await list('by learning rate, out of the recipe', { sort: 'learningRate' })
await list('by the value of the newest proof', { sort: 'proof' })
await list('a word of the notes', { text: 'holidays' })
await list('a word that is nowhere', { text: 'zebra' })
await list('by verdict "better"', { verdict: 'better' })
await list('a tag', { tag: 'keep' })

/**
 * Does `act` in the page and gives the milliseconds until the first drawn row says something that `before` did not, and the
 * frame with it was painted.
 */
const inPage = (act: string): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const rows = () => [...document.querySelectorAll('tbody tr')].map((row) => row.innerText).join()
    const before = rows()
    const startMs = performance.now()
    const look = () => {
      const now = rows()
      if (now !== '' && now !== before && !document.querySelector('tbody tr[aria-busy=true]'))
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - startMs)))
      else requestAnimationFrame(look)
    }
    ;${act}
    requestAnimationFrame(look)
  })`)

await page.goto(host.newAddress())
await page.getByRole('heading', { level: 1 }).waitFor()
const go = (path: string): string => `location.hash = ${JSON.stringify(path)}`
const leave = async (): Promise<void> => {
  await page.evaluate(go('#/'))
  await page.locator('table').waitFor({ state: 'detached' })
}
console.log(`  first opening, with the screen's code: ${Math.round(await inPage(go('#/experiments')))} ms`)
await measure('  from another screen to painted rows', async () => {
  await leave()
  return await inPage(go('#/experiments'))
})
await measure('  a page loaded anew to painted rows', () =>
  timed(async () => {
    await page.reload()
    await page.getByRole('rowheader').first().waitFor()
  }),
)
// A head that is pressed again turns the order round, so that other rows come first.
await measure('  sorted by learning rate', () =>
  inPage(`document.querySelectorAll('thead button')[2].click()`),
)
await measure('  sorted by proof', () => inPage(`document.querySelectorAll('thead button')[4].click()`))
let typed = 0
await measure('  searched, with the 200 ms that typing may pause', () => {
  typed += 1
  return inPage(`{
    const field = document.querySelector('input[type=search]')
    field.value = 'Run ${typed}'
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }`)
})
await page.goto(`${page.url().split('#')[0]}#/experiments`)
await page.getByRole('rowheader').first().waitFor()
let isAtEnd = false
await measure('  scrolled to the other end', () => {
  isAtEnd = !isAtEnd
  return inPage(`document.querySelector('table').parentElement.scrollTop = ${isAtEnd ? 1e9 : 0}`)
})
console.log(loadNow())

await browser.close()
await host.close()
await close()
rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
