// The port through which core starts its child processes. Under the terminal and the browser host they are Node
// children; under Electron main/ brings an implementation over utilityProcess. Nobody else spawns anything.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type ProcessName = 'trainer' | 'scorer' | 'generator'

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

const lastWordsLimit = 8_000

/** Children as Node processes that run the entry points of src/processes by path. */
export function createNodeLauncher(): Launcher {
  return {
    launch(name) {
      const entry = fileURLToPath(new URL(`../../processes/${name}.ts`, import.meta.url))
      const child = fork(entry, [], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
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
