// JavaScript by QuickJS in WebAssembly: an engine of its own with nothing of the host in it but one function that takes
// printed text. Every program gets an engine of its own.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSWASMModule,
  RELEASE_SYNC,
} from 'quickjs-emscripten'
import type { ProgramOutcome, SandboxLimits } from '#shared/sandbox-protocol.ts'
import {
  createMeter,
  failedAs,
  type Interpreter,
  outOfMemory,
  outOfTime,
  type Program,
  passed,
  tooMuchOutput,
} from './interpreter.ts'
import { javascriptPrelude } from './javascript-prelude.ts'
import { limitWebAssemblyMemory, sealHost, webAssembly } from './seal-host.ts'

/** Some 2,200 calls deep; with 512 KiB the host's own stack would end first. */
const stackBytes = 384 * 1024

/** Loads QuickJS, seals the process and gives the interpreter. Called once. */
export async function openJavaScript(limits: SandboxLimits): Promise<Interpreter> {
  const from = createRequire(createRequire(import.meta.url).resolve('quickjs-emscripten'))
  const bytes = await readFile(from.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'))
  const variant = newVariant(RELEASE_SYNC, { wasmModule: await webAssembly.compile(bytes) })
  await newQuickJSWASMModuleFromVariant(variant)
  sealHost()
  // Room for the engine itself beside the program's own limit.
  limitWebAssemblyMemory(limits.memoryBytes + 32 * 1024 * 1024)
  return {
    async prepare() {
      const engine = await newQuickJSWASMModuleFromVariant(variant)
      return (program) => runProgram(engine, program, limits)
    },
  }
}

function runProgram(
  engine: QuickJSWASMModule,
  { code, tests }: Program,
  limits: SandboxLimits,
): ProgramOutcome {
  const runtime = engine.newRuntime()
  runtime.setMemoryLimit(limits.memoryBytes)
  runtime.setMaxStackSize(stackBytes)
  const printed = createMeter(limits.outputBytes)
  const endMs = Date.now() + limits.timeMs
  runtime.setInterruptHandler(() => printed.isOver() || Date.now() > endMs)
  const context = runtime.newContext()
  const print = context.newFunction('print', (text) => {
    printed.take(context.getString(text).length)
    return context.undefined
  })
  context.setProp(context.global, '__print', print)
  print.dispose()
  const outcome =
    runPart(context, javascriptPrelude, 'prelude.js', false) ??
    runPart(context, code, 'answer.js', false) ??
    runPart(context, tests, 'tests.js', true)
  if (printed.isOver()) return tooMuchOutput
  // A promise that is interrupted does not say so.
  if (Date.now() > endMs) return outOfTime
  return outcome ?? passed
}

/** Null where it ran to its end. Tests may wait for promises. */
function runPart(
  context: QuickJSContext,
  source: string,
  name: string,
  isTests: boolean,
): ProgramOutcome | null {
  const isWaiting = isTests && /\bawait\b/.test(source)
  const text = isWaiting ? `(async () => {${source}\n})()` : source
  const result = context.evalCode(text, name)
  if (result.error) return describe(context, result.error, isTests)
  const jobs = context.runtime.executePendingJobs()
  if (jobs.error) return describe(context, jobs.error, isTests)
  const outcome = isWaiting ? judgePromise(context, result.value) : null
  result.value.dispose()
  return outcome
}

function judgePromise(context: QuickJSContext, promise: QuickJSHandle): ProgramOutcome | null {
  const state = context.getPromiseState(promise)
  if (state.type === 'fulfilled') {
    state.value.dispose()
    return null
  }
  return state.type === 'rejected'
    ? describe(context, state.error, true)
    : failedAs('error', 'A test waits for something that never comes.')
}

function describe(context: QuickJSContext, error: QuickJSHandle, isTests: boolean): ProgramOutcome {
  const dumped: unknown = context.dump(error)
  const { name = 'Error', message = '' } = (
    typeof dumped === 'object' && dumped !== null ? dumped : { message: String(dumped) }
  ) as { name?: string; message?: string }
  if (name === 'InternalError' && message === 'interrupted') return outOfTime
  if (message === 'out of memory') return outOfMemory
  if (isTests && name === 'AssertionError') return failedAs('test-failed', `A test does not hold: ${message}`)
  return failedAs('error', `${name}: ${message}`)
}
