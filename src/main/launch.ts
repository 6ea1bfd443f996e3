// How the desktop program starts its child processes: as Electron utility processes. The one place that knows of the old
// Electron on test machines, where better-sqlite3 and node-llama-cpp do not load: with TUNEWRIGHT_CORE_NODE (the path of a
// Node 24) everything but the trainer runs as a child of that Node instead.
import { utilityProcess } from 'electron'
import {
  type ChildExit,
  type ChildPort,
  createNodeLauncher,
  type EntryLauncher,
  type EntryName,
  launchSettings,
} from '#core/system/launcher.ts'
import { entryPath } from '#core/system/program-places.ts'

const lastWordsLimit = 8_000
/** How the names of our own utility processes begin. */
export const ownServices = 'Tunewright '

export function createLauncher(): EntryLauncher {
  const node = process.env.TUNEWRIGHT_CORE_NODE
  const nodeLauncher = node ? createNodeLauncher(node) : null
  return {
    launch: (name) => (nodeLauncher && name !== 'trainer' ? nodeLauncher.launch(name) : startUtility(name)),
  }
}

function startUtility(name: EntryName): ChildPort {
  const { flags, environment } = launchSettings(name)
  const child = utilityProcess.fork(entryPath(name), [], {
    serviceName: `${ownServices}${name}`,
    execArgv: [...flags],
    ...(environment === null ? {} : { env: environment }),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let lastWords = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-lastWordsLimit)
  })
  const exitListeners: ((exit: ChildExit) => void)[] = []
  let isGone = false
  child.once('exit', (code) => {
    isGone = true
    for (const listener of exitListeners) listener({ code, signal: null, lastWords })
  })
  return {
    get pid() {
      return child.pid
    },
    send: (message) => {
      if (!isGone) child.postMessage(message)
    },
    onMessage: (listener) => {
      child.on('message', listener)
    },
    onExit: (listener) => {
      exitListeners.push(listener)
    },
    kill: () => kill(child),
  }
}

/** At once: Electron's own `kill` asks politely, and a trainer takes that for a cancel. */
function kill(child: Electron.UtilityProcess): void {
  if (child.pid === undefined || process.platform === 'win32') child.kill()
  else
    try {
      process.kill(child.pid, 'SIGKILL')
    } catch {
      // It ended by itself a moment ago.
    }
}
