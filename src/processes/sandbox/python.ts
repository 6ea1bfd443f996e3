// Python by Pyodide, loaded as in a bare shell: it is shown no Node, no file of the host and no network. Every program
// gets an interpreter of its own, made from a snapshot of a fresh one.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { loadPyodide, PyodideAPI } from 'pyodide'
import type { ProgramOutcome, SandboxLimits } from '#shared/sandbox-protocol.ts'
import {
  createMeter,
  failedAs,
  type Interpreter,
  outOfMemory,
  type Program,
  passed,
  tooMuchOutput,
} from './interpreter.ts'
import { limitWebAssemblyMemory, sealHost } from './seal-host.ts'

/** Files of its own that a program may write, as a multiple of what it may print. */
const filesPerOutput = 256

/** Loads Pyodide, seals the process and gives the interpreter. Called once; nothing else can be loaded afterwards. */
export async function openPython(limits: SandboxLimits): Promise<Interpreter> {
  const folder = dirname(createRequire(import.meta.url).resolve('pyodide'))
  const [wasm, library] = await Promise.all(
    ['pyodide.asm.wasm', 'python_stdlib.zip'].map((name) => readFile(join(folder, name))),
  )
  const files = new Map([
    ['/pyodide.asm.wasm', wasm!],
    ['/python_stdlib.zip', library!],
  ])
  const { info } = JSON.parse(await readFile(join(folder, 'pyodide-lock.json'), 'utf8'))
  showBareShell(files)
  const load = async (name: string) => import(pathToFileURL(join(folder, name)).href)
  const pyodide = (await load('pyodide.mjs')) as Pyodide
  const { default: createPyodideModule } = await load('pyodide.asm.mjs')
  sealHost()
  limitWebAssemblyMemory(limits.memoryBytes)
  const settings = () => ({
    indexURL: '/',
    createPyodideModule,
    // An object without prototype: `import js` finds nothing.
    jsglobals: Object.create(null) as object,
    lockFileContents: { info, packages: {} },
    stdin: () => null,
    env: {},
  })
  const first = await pyodide.loadPyodide({ ...settings(), _makeSnapshot: true } as Settings)
  const snapshot = first.makeMemorySnapshot()
  return {
    async prepare() {
      const python = await pyodide.loadPyodide({ ...settings(), _loadSnapshot: snapshot } as Settings)
      return (program) => runProgram(python, program, limits)
    },
  }
}

interface Pyodide {
  readonly loadPyodide: typeof loadPyodide
}
type Settings = Parameters<typeof loadPyodide>[0]

/**
 * What Pyodide asks of a shell that is neither a browser nor Node. Chance is always the same, so that a program's
 * outcome is too.
 */
function showBareShell(files: ReadonlyMap<string, Uint8Array>): void {
  const readBuffer = (name: string): Uint8Array => {
    const bytes = files.get(name)
    if (bytes === undefined) throw new Error('there are no files here')
    return bytes
  }
  const system = (_shell: string, [, line]: readonly string[]): string =>
    Buffer.alloc(Number(/head -c(\d+)/.exec(line ?? '')?.[1] ?? 0), 42).toString('base64')
  Object.assign(globalThis, { read: readBuffer, load: readBuffer, readbuffer: readBuffer, os: { system } })
  Reflect.deleteProperty(globalThis, 'process')
  Reflect.deleteProperty(globalThis, 'navigator')
}

function runProgram(python: PyodideAPI, { code, tests }: Program, limits: SandboxLimits): ProgramOutcome {
  const printed = createMeter(limits.outputBytes)
  const written = createMeter(limits.outputBytes * filesPerOutput)
  confine(python, printed, written)
  const globals = python.runPython('{"__name__": "__main__"}')
  const outcome =
    runPart(python, code, globals, 'answer.py', null) ?? runPart(python, tests, globals, 'tests.py', tests)
  if (printed.isOver() || written.isOver()) return tooMuchOutput
  return outcome ?? passed
}

type Meter = ReturnType<typeof createMeter>

/** Unhooks the modules that lead out to JavaScript, and measures everything that is written. */
function confine(python: PyodideAPI, printed: Meter, written: Meter): void {
  for (const name of ['pyodide_js', 'js']) python.unregisterJsModule(name)
  python.runPython('import sys\nfor name in ("js", "pyodide_js"): sys.modules[name] = None', {
    globals: python.runPython('{}'),
  })
  const { FS } = python
  const noSpace = 51
  const write = (buffer: Uint8Array): number => {
    if (!printed.take(buffer.length)) throw new FS.ErrnoError(noSpace)
    return buffer.length
  }
  python.setStdout({ write })
  python.setStderr({ write })
  const writeFile = FS.write.bind(FS)
  FS.write = (stream: unknown, buffer: Uint8Array, offset: number, length: number, ...rest: unknown[]) => {
    if (!written.take(length)) throw new FS.ErrnoError(noSpace)
    return writeFile(stream, buffer, offset, length, ...rest)
  }
  const { MEMFS } = FS.filesystems
  for (const name of ['resizeFileStorage', 'expandFileStorage'] as const) {
    const change = MEMFS[name]
    MEMFS[name] = (node: { contents?: { length: number } }, sizeBytes: number) => {
      const more = Math.max(0, sizeBytes - (node.contents?.length ?? 0))
      if (!written.take(more)) throw new FS.ErrnoError(noSpace)
      return change(node, sizeBytes)
    }
  }
}

/** Null where it ran to its end; `tests` given where these lines are the tests. */
function runPart(
  python: PyodideAPI,
  source: string,
  globals: ReturnType<PyodideAPI['runPython']>,
  filename: string,
  tests: string | null,
): ProgramOutcome | null {
  try {
    // The last line gives nothing, so that no value of the program becomes a value here.
    python.runPython(`${source}\nNone`, { globals, filename })
    return null
  } catch (error) {
    return describe(error, tests)
  }
}

function describe(error: unknown, tests: string | null): ProgramOutcome {
  const { type, message } = error as { type?: string; message?: string }
  const text = typeof message === 'string' ? message.trim() : ''
  if (type === 'MemoryError') return outOfMemory
  if (type === undefined) return failedAs('crashed', `Python itself broke down: ${text}`)
  const last = text.split('\n').at(-1) ?? type
  const lines = [...text.matchAll(/File "tests\.py", line (\d+)/g)]
  const line = tests?.split('\n')[Number(lines[0]?.[1]) - 1]?.trim()
  const where = line === undefined ? '' : ` at ${line}`
  if (tests !== null && type === 'AssertionError')
    return failedAs('test-failed', `A test does not hold${where}`)
  return failedAs('error', `${last}${where}`)
}
