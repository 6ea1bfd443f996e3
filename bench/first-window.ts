// How long the desktop program takes from its start to a window that can be read: `npx node bench/first-window.ts [STARTS]`.
// Needs the test Electron and Xvfb, as the tests in a window do; Playwright's own attaching is part of the time.
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../scripts/program-build.ts'
import { findWindowMachine, launchProgram, openScreen } from '../tests/support/electron.ts'

const starts = Number(process.argv[2] ?? 7)
const machine = findWindowMachine()
if (machine === null) process.exit(1)
const fault = await ensureBuilt()
if (fault !== null) throw new Error(fault)
const screen = await openScreen()
const folder = mkdtempSync(join(tmpdir(), 'tunewright-first-window-'))
const milliseconds: number[] = []
for (let start = 0; start < starts; start += 1) {
  const places = { home: join(folder, 'home'), userData: join(folder, 'user'), display: screen.display }
  const startedMs = performance.now()
  const { app, page } = await launchProgram(machine, places)
  await page.getByRole('heading', { level: 1 }).waitFor()
  milliseconds.push(Math.round(performance.now() - startedMs))
  await app.close()
}
screen.close()
rmSync(folder, { recursive: true, force: true })
const sorted = [...milliseconds].sort((a, b) => a - b)
console.log(`start to first heading, ms: ${milliseconds.join(' ')}`)
console.log(
  `median ${sorted[Math.floor(sorted.length / 2)]}, first (empty library) ${milliseconds[0]}, load ${loadavg()[0]?.toFixed(1)}`,
)
