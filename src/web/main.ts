// Entry of the browser host: `main.ts [--home FOLDER] [--open]`. Prints the address, gives a new one for each Enter, and
// ends at Ctrl-C, after runs have saved a checkpoint.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { defaultHome } from '#core/system/library.ts'
import { pageFolder } from '#core/system/program-places.ts'
import { moveToSystemBin } from '#core/system/system-bin.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { describeProblem } from '#shared/result.ts'
import { startWebHost, type WebHost } from './host.ts'

const { values } = parseArgs({
  options: { home: { type: 'string' }, open: { type: 'boolean', default: false } },
})

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

async function main(): Promise<void> {
  if (!existsSync(join(pageFolder, 'index.html'))) {
    say('The page is not built yet.\n  what to do: run "npm run build", then start this again.')
    process.exitCode = 1
    return
  }
  const opened = createWorkstation({
    home: values.home || process.env.TUNEWRIGHT_HOME || defaultHome(),
    launcher: createNodeLauncher(),
    host: { kind: 'browser', moveToBin: moveToSystemBin, pickedPath: () => null },
  })
  if (!opened.ok) {
    say(describeProblem(opened.problem))
    process.exitCode = 1
    return
  }
  const workstation = opened.value
  for (const notice of workstation.notices) say(notice)
  const host = await startWebHost({
    handlers: workstation.handlers,
    onEvent: (listener) => workstation.onEvent(listener),
    pageFolder,
  })
  sayAddress(host)
  const lines = createInterface({ input: process.stdin })
  lines.on('line', () => sayAddress(host))
  let isEnding = false
  const end = async (): Promise<void> => {
    if (isEnding) process.exit(130)
    isEnding = true
    lines.close()
    say('Ending. Runs save a checkpoint first; press Ctrl-C again to end at once.')
    await host.close()
    await workstation.close()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
}

await main()
