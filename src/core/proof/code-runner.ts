// Tries out programs that a model wrote, in the sandbox process, one after another, and says whether each passes its
// tests. Judges nothing else; a program that overruns ends its process and no other program's result.
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import {
  type ProgramLanguage,
  type ProgramOutcome,
  type SandboxLimits,
  sandboxEvent,
} from '#shared/sandbox-protocol.ts'
import type { ChildPort, Launcher } from '../system/launcher.ts'
import { describeExit } from './child-job.ts'

export interface CodeProgram {
  /** The program itself, without the fence around it. */
  readonly code: string
  /** Lines that fail if it is wrong; they see everything it defines. */
  readonly tests: string
  readonly language: ProgramLanguage
}

export interface CodeRunner {
  /** The outcome of one program; calls wait for each other. A Problem only where the sandbox itself does not work. */
  run(program: CodeProgram): Promise<Result<ProgramOutcome>>
  /** Ends the processes. A call that is waiting then ends in a Problem. */
  close(): void
}

/** Limits of safety.md, section 3.9. */
export const defaultSandboxLimits: SandboxLimits = {
  timeMs: 5_000,
  memoryBytes: 256 * 1024 * 1024,
  outputBytes: 64 * 1024,
}

/** Loading an interpreter takes seconds on a busy computer; a program's own time does not begin before it is there. */
const loadingMs = 120_000
/** Where the interpreter can stop a program itself it does so first, and the process lives on. */
const graceMs = 250
/** A process is replaced after so many programs, because the memory of ended interpreters comes back late. */
const programsPerProcess = 200

export function createCodeRunner(
  launcher: Launcher,
  limits: SandboxLimits = defaultSandboxLimits,
): CodeRunner {
  const sandboxes = new Map<ProgramLanguage, Sandbox>()
  let last: Promise<unknown> = Promise.resolve()
  const runNow = async ({ language, code, tests }: CodeProgram): Promise<Result<ProgramOutcome>> => {
    let sandbox = sandboxes.get(language)
    if (sandbox === undefined || !sandbox.isUsable()) {
      sandbox?.end()
      sandbox = openSandbox(launcher, language, limits)
      sandboxes.set(language, sandbox)
    }
    return sandbox.run(code, tests)
  }
  return {
    run(program) {
      const result = last.then(() => runNow(program))
      last = result.catch(() => undefined)
      return result
    },
    close() {
      for (const sandbox of sandboxes.values()) sandbox.end()
      sandboxes.clear()
    },
  }
}

interface Sandbox {
  run(code: string, tests: string): Promise<Result<ProgramOutcome>>
  isUsable(): boolean
  end(): void
}

type Settle = (result: Result<ProgramOutcome>) => void

function openSandbox(launcher: Launcher, language: ProgramLanguage, limits: SandboxLimits): Sandbox {
  const child: ChildPort = launcher.launch('sandbox')
  let isOver = false
  let programs = 0
  let waiting: Settle | null = null
  let hasBegun = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const settle: Settle = (result) => {
    clearTimeout(timer)
    const settling = waiting
    waiting = null
    hasBegun = false
    settling?.(result)
  }
  const endAs = (result: Result<ProgramOutcome>): void => {
    isOver = true
    child.kill()
    settle(result)
  }
  const allow = (ms: number, otherwise: Result<ProgramOutcome>): void => {
    clearTimeout(timer)
    timer = setTimeout(() => endAs(otherwise), ms)
  }

  child.onMessage((message) => {
    const event = sandboxEvent.safeParse(message)
    if (!event.success) return endAs(fail(broken('sent something unreadable', event.error.message)))
    if (event.data.kind === 'failed') return endAs(fail(event.data.problem))
    if (event.data.kind === 'ready' || event.data.id !== programs) return
    if (event.data.kind === 'result') {
      const result = ok(event.data.outcome)
      return event.data.outcome.end === 'crashed' ? endAs(result) : settle(result)
    }
    hasBegun = true
    allow(limits.timeMs + graceMs, ok(outOfTime(limits.timeMs)))
  })
  child.onExit((exit) => {
    isOver = true
    settle(hasBegun ? ok(brokeDown) : fail(broken('ended unexpectedly', describeExit(exit))))
  })
  child.send({ kind: 'start', language, limits })
  return {
    run(code, tests) {
      return new Promise((resolve) => {
        programs += 1
        waiting = resolve
        allow(loadingMs, fail(broken('did not get ready', `no answer for ${loadingMs} ms`)))
        child.send({ kind: 'run', id: programs, code, tests })
      })
    },
    isUsable: () => !isOver && programs < programsPerProcess,
    end: () => endAs(fail(broken('was ended', 'closed'))),
  }
}

const outOfTime = (timeMs: number): ProgramOutcome => ({
  passed: false,
  end: 'time',
  reason: `It did not finish within ${timeMs / 1000} seconds.`,
})

const brokeDown: ProgramOutcome = {
  passed: false,
  end: 'crashed',
  reason: 'It broke the interpreter down.',
}

const broken = (whatHappened: string, details: string): Problem => ({
  code: 'sandbox.failed',
  message: `The place in which programs are tried out ${whatHappened}.`,
  where: 'sandbox process',
  remedy: 'Start the proof again. If it happens again, install Tunewright anew.',
  details,
})
