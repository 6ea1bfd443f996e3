// The port through which core starts its child processes. Under the terminal and the browser host they are Node
// children; under Electron main/ brings an implementation over utilityProcess. Nobody else spawns anything.
import { fork } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { entryPath, programRoot } from './program-places.ts'

export type ProcessName =
  | 'trainer'
  | 'scorer'
  | 'embedder'
  | 'generator'
  | 'sandbox'
  | 'speedometer'
  | 'journal-check'

/** What can be started: the core itself only by the program that holds the window. */
export type EntryName = ProcessName | 'core'

/** How a child ended: an exit code, or the signal that killed it. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: string | null
  /** The last lines it wrote to standard error, for "Copy details". */
  readonly lastWords: string
}

export interface ChildPort {
  readonly pid: number | undefined
  /** Sends a structured-clonable message; after the child's end it is dropped. */
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once, after the last message. */
  onExit(listener: (exit: ChildExit) => void): void
  /** Ends the child at once (SIGKILL). */
  kill(): void
}

export interface Launcher {
  launch(name: ProcessName): ChildPort
}

/** A launcher of the program that holds the window. */
export interface EntryLauncher extends Launcher {
  launch(name: EntryName): ChildPort
}

const lastWordsLimit = 8_000

/** How a child is started: flags for Node, and its environment (null: that of this process). */
export interface LaunchSettings {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string>> | null
}

/**
 * glibc keeps a heap for every thread that asks for memory, and gives little of them back: 10 MiB less of a trainer are
 * held with one for all (docs/backends.md). Other systems do not know the variable.
 */
const oneHeap = { MALLOC_ARENA_MAX: '1' } as const

/**
 * Those that train share a heap. The sandbox may read the program's own files and nothing else, write nothing, start nothing, load nothing native, turn
 * no text into code, and knows no environment. It takes the same away from itself again (processes/sandbox/seal-host.ts),
 * for hosts that have no such flags.
 */
export function launchSettings(name: EntryName): LaunchSettings {
  const flags = ['--disable-warning=ExperimentalWarning']
  if (name === 'trainer' || name === 'speedometer')
    return { flags, environment: { ...knownVariables(), ...oneHeap } }
  if (name !== 'sandbox') return { flags, environment: null }
  const readable = [programRoot, join(programRoot, 'node_modules')].map((folder) => realpathSync(folder))
  return {
    flags: [
      ...flags,
      '--disable-warning=SecurityWarning',
      '--permission',
      ...[...new Set(readable)].map((folder) => `--allow-fs-read=${folder}`),
      '--disallow-code-generation-from-strings',
      '--max-old-space-size=512',
      '--expose-gc',
    ],
    environment: {},
  }
}

/** This process's own environment. */
const knownVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )

/** Children as Node processes (`nodePath`, else this process's own Node) that run the entry points of src/processes. */
export function createNodeLauncher(nodePath: string = process.execPath): EntryLauncher {
  return {
    launch(name) {
      const { flags, environment } = launchSettings(name)
      const child = fork(entryPath(name), [], {
        execPath: nodePath,
        execArgv: [...flags],
        ...(environment === null ? {} : { env: environment }),
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      })
      let lastWords = ''
      child.stderr?.setEncoding('utf8')
      child.stderr?.on('data', (text: string) => {
        lastWords = (lastWords + text).slice(-lastWordsLimit)
      })
      let launchError = ''
      child.on('error', (error) => {
        launchError = String(error)
      })
      return {
        pid: child.pid,
        send: (message) => {
          if (child.connected) child.send(message as object, () => {})
        },
        onMessage: (listener) => {
          child.on('message', listener)
        },
        onExit: (listener) => {
          child.once('close', (code, signal) =>
            listener({ code, signal, lastWords: launchError || lastWords }),
          )
        },
        kill: () => {
          child.kill('SIGKILL')
        },
      }
    },
  }
}
