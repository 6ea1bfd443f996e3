// A configuration of the step benchmark in a process of its own, as the trainer's process is: built into plain
// JavaScript as the program is (Node keeps a compiler in memory where it reads TypeScript), with its heap and environment.
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { launchSettings } from '#core/system/launcher.ts'
import { newObjectsMib } from '#processes/trainer/main-thread.ts'
import type { StepCase, StepFigures } from './step-case.ts'

/** Inside node_modules, so that packages are found from there. */
const folder = fileURLToPath(new URL(`../node_modules/.bench-${process.pid}`, import.meta.url))
let built: Promise<string> | null = null

async function buildScript(): Promise<string> {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const entry = fileURLToPath(new URL('step-case.ts', import.meta.url))
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: entry, outDir: folder, emptyOutDir: true, target: 'node22' },
  })
  return join(folder, 'step-case.js')
}

/** With the heap that the trainer's numerics thread has; V8 makes three semi-spaces of what is for new objects. */
export async function measureInChild(stepCase: StepCase): Promise<StepFigures> {
  built ??= buildScript()
  const { flags, environment } = launchSettings('trainer')
  const heap = `--max-semi-space-size=${newObjectsMib / 3}`
  const parameters = [...flags, heap, await built, JSON.stringify(stepCase)]
  const env = environment ?? process.env
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { maxBuffer: 1 << 24, env })
  return JSON.parse(stdout) as StepFigures
}
