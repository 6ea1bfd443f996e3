// Entry point of the sandbox process: runs programs that a model wrote, one after another, and says whether they pass
// their tests. It keeps no time itself: whoever launched it ends it when a program overruns.
import process from 'node:process'
import { detailsOf, type Problem, ProblemError } from '#shared/result.ts'
import {
  type ProgramLanguage,
  type ProgramOutcome,
  type SandboxLimits,
  sandboxCommand,
} from '#shared/sandbox-protocol.ts'
import { connectParent } from './parent-port.ts'
import { failedAs, type Interpreter, noTests, type Program } from './sandbox/interpreter.ts'

/** Each process loads one language: loading the other afterwards would need what is sealed by then. */
const openInterpreter = async (language: ProgramLanguage, limits: SandboxLimits): Promise<Interpreter> =>
  language === 'python'
    ? (await import('./sandbox/python.ts')).openPython(limits)
    : (await import('./sandbox/javascript.ts')).openJavaScript(limits)

const parent = connectParent()
const exit = process.exit.bind(process)
// Ctrl-C reaches every process of the terminal; the one that launched this one ends it.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
/** The language that was said first, as soon as it is loaded. */
let opening: Promise<Interpreter> | null = null

parent.onMessage(async (message) => {
  try {
    const command = sandboxCommand.parse(message)
    if (command.kind === 'start') {
      opening ??= openInterpreter(command.language, command.limits)
      await opening
      return void (await parent.send({ kind: 'ready' }))
    }
    if (opening === null) throw new Error('a program came before the language')
    const { id, code, tests } = command
    if (tests.trim() === '') return void (await parent.send({ kind: 'result', id, outcome: noTests }))
    const run = await (await opening).prepare()
    await parent.send({ kind: 'began', id })
    const outcome = runWhole(run, { code, tests })
    await parent.send({ kind: 'result', id, outcome })
  } catch (error) {
    await giveUp(error)
  }
})

/** What the interpreter throws itself, and not the program in it, leaves it broken: this process is ended then. */
function runWhole(run: (program: Program) => ProgramOutcome, program: Program): ProgramOutcome {
  try {
    return run(program)
  } catch (error) {
    return failedAs('crashed', `It broke the interpreter down: ${String(error)}`)
  }
}

/** Node would write the interpreter's whole source, which is one line, to standard error. */
process.on('uncaughtException', giveUp)

async function giveUp(error: unknown): Promise<void> {
  await parent.send({ kind: 'failed', problem: problemOf(error) })
  exit(1)
}

const problemOf = (error: unknown): Problem =>
  error instanceof ProblemError
    ? error.problem
    : {
        code: 'sandbox.failed',
        message: 'The place in which programs are tried out could not be set up.',
        where: 'sandbox process',
        remedy: 'Start it again. If it happens again, install Tunewright anew.',
        details: detailsOf(error),
      }
