// Entry of the browser host: `main.ts [--home FOLDER] [--open]`. Prints the address, gives a new one for each Enter, and
// ends at Ctrl-C or when nobody has needed it for a while, after runs have saved a checkpoint.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { defaultHome } from '#core/system/library.ts'
import { pageFolder } from '#core/system/program-places.ts'
import { onStopSignal } from '#core/system/stop-signals.ts'
import { moveToSystemBin } from '#core/system/system-bin.ts'
import { createLastingWorkstation } from '#core/workstation/lasting-workstation.ts'
import type { Workstation } from '#core/workstation/workstation.ts'
import { type CallOutput, dispatch } from '#shared/contract/index.ts'
import { describeProblem } from '#shared/result.ts'
import { startWebHost, type WebHost } from './host.ts'
import { endWhenIdle, idleLimitMinutes } from './idle.ts'

const { values } = parseArgs({
  options: { home: { type: 'string' }, open: { type: 'boolean', default: false } },
})

const idleEnd = `For ${idleLimitMinutes} minutes no page was open and nothing was under way, so Tunewright ends. Start it again when you need it.`

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function sayAddress(host: WebHost): void {
  const address = host.newAddress()
  say(
    `\nTunewright runs on this computer only. Open this address in your browser within 30 seconds:\n\n  ${address}\n`,
  )
  say('The address works once. Press Enter for a new one, Ctrl-C to end.')
  if (values.open) openBrowser(address)
}

/** Where no browser starts, the printed address is still there. */
function openBrowser(address: string): void {
  const [command, ...parameters] =
    process.platform === 'win32'
      ? ['rundll32', 'url.dll,FileProtocolHandler', address]
      : [process.platform === 'darwin' ? 'open' : 'xdg-open', address]
  const child = spawn(command ?? '', parameters, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

/** Gives nothing where the page or the library is missing, after it has said so. */
function openWorkstation(): Workstation | null {
  if (!existsSync(join(pageFolder, 'index.html'))) {
    say('The page is not built yet.\n  what to do: run "npm run build", then start this again.')
    return null
  }
  const opened = createLastingWorkstation({
    home: values.home || process.env.TUNEWRIGHT_HOME || defaultHome(),
    launcher: createNodeLauncher(),
    host: { kind: 'browser', moveToBin: moveToSystemBin, pickedPath: () => null },
  })
  if (opened.ok) return opened.value
  say(describeProblem(opened.problem))
  return null
}

/** What waits for its turn, or for the night, needs the program too. */
async function isWorking({ handlers }: Workstation): Promise<boolean> {
  const reply = await dispatch(handlers, 'system.activity', {})
  const queue = await dispatch(handlers, 'queue.list', {})
  if (!reply.ok || !queue.ok) return true
  if ((queue.value as CallOutput<'queue.list'>).items.length > 0) return true
  const { runs, jobs } = reply.value as CallOutput<'system.activity'>
  return runs.length > 0 || jobs.some(({ status }) => status === 'running')
}

/** Enter gives a new address; a signal, or half an hour without need, ends host and workstation. */
function serveUntilEnd(host: WebHost, workstation: Workstation): void {
  const lines = createInterface({ input: process.stdin })
  async function end(reason: string): Promise<void> {
    say(reason)
    idle.stop()
    lines.close()
    await host.close()
    await workstation.close()
    process.exit(0)
  }
  const idle = endWhenIdle({
    isNeeded: async () => host.clients > 0 || (await isWorking(workstation)),
    end: () => void end(idleEnd),
  })
  lines.on('line', () => {
    idle.touch()
    sayAddress(host)
  })
  onStopSignal(
    () => void end('Ending. Runs save a checkpoint first; press Ctrl-C again to end at once.'),
    () => process.exit(130),
  )
}

async function main(): Promise<void> {
  const workstation = openWorkstation()
  if (workstation === null) {
    process.exitCode = 1
    return
  }
  for (const notice of workstation.notices) say(notice)
  const host = await startWebHost({
    handlers: workstation.handlers,
    onEvent: (listener) => workstation.onEvent(listener),
    pageFolder,
  })
  sayAddress(host)
  serveUntilEnd(host, workstation)
}

await main()
