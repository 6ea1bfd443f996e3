// A configuration of the step benchmark in a process of its own, as the trainer's process is.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newObjectsMib } from '#processes/trainer/main-thread.ts'
import type { StepCase, StepFigures } from './step-case.ts'

const script = fileURLToPath(new URL('step-case.ts', import.meta.url))

/** With the heap that the trainer's numerics thread has; V8 makes three semi-spaces of what is for new objects. */
export async function measureInChild(stepCase: StepCase): Promise<StepFigures> {
  const heap = `--max-semi-space-size=${newObjectsMib / 3}`
  const parameters = ['--disable-warning=ExperimentalWarning', heap, script, JSON.stringify(stepCase)]
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { maxBuffer: 1 << 24 })
  return JSON.parse(stdout) as StepFigures
}
