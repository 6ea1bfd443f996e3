// Child processes that work on a journal and are killed while they do.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './folders.ts'

/** Killed processes save no compiled code; one that ends well fills this for all that follow. */
const compileCache = temporaryFolder()

export interface Child {
  readonly process: ChildProcess
  /** Whole lines it wrote so far. */
  readonly lines: readonly string[]
  /** Resolves when it wrote its n-th line (counted from 1) or ended. */
  untilLine(n: number): Promise<void>
  /** Resolves with everything it wrote once it is gone. */
  readonly gone: Promise<{
    lines: readonly string[]
    errors: string
    signal: string | null
    code: number | null
  }>
}

export function startChild(script: string, args: readonly string[]): Child {
  const entry = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  })
  const lines: string[] = []
  let rest = ''
  let errors = ''
  let onLine = () => {}
  let ended = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    onLine()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const gone = new Promise<{ lines: string[]; errors: string; signal: string | null; code: number | null }>(
    (resolve) => {
      child.on('close', (code, signal) => {
        ended = true
        onLine()
        resolve({ lines, errors, signal, code })
      })
    },
  )
  const untilLine = (n: number) =>
    new Promise<void>((resolve) => {
      onLine = () => {
        if (lines.length >= n || ended) resolve()
      }
      onLine()
    })
  return { process: child, lines, untilLine, gone }
}
