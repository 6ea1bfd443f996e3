// The browser host as a process of its own, as `tunewright web` starts it: opened in a page by the address it prints, ended
// by Ctrl-C or killed. Neither it nor the page reaches anything but this computer; what they try is noted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { ensureBuilt } from '../../../scripts/program-build.ts'
import { triedWord } from '../../support/no-network.ts'
import { openPage as openSocketPage } from '../../web/web-support.ts'
import { openPage } from './browser.ts'
import type { LastingProgram } from './lasting-search.ts'

const root = join(import.meta.dirname, '../../..')
const isAddress = (line: string): boolean => line.trim().startsWith('http://127.0.0.1:')

export interface WebProgram extends LastingProgram {
  /** Addresses beyond the host that the page, the host or one of its children asked for. */
  readonly elsewhere: readonly string[]
  /** Ends the host's process at once (SIGKILL); its children notice. */
  kill(): Promise<void>
}

export async function launchWebProgram(browser: Browser, home: string): Promise<WebProgram> {
  const fault = await ensureBuilt()
  if (fault !== null) throw new Error(fault)
  const elsewhere: string[] = []
  const host = startHost(home, elsewhere)
  const address = await host.newAddress()
  const { context, page, complaints } = await openPage(browser)
  const isOwn = (url: string): boolean => new URL(url).host === new URL(address).host
  await context.route('**/*', async (route) => {
    const url = route.request().url()
    if (isOwn(url)) return route.continue()
    elsewhere.push(url)
    return route.abort()
  })
  page.on('websocket', (socket) => {
    if (!isOwn(socket.url())) elsewhere.push(socket.url())
  })
  await page.goto(address)
  await page.getByRole('heading', { level: 1 }).waitFor()
  // Beside the page, as a second one of the same person.
  const { call } = await openSocketPage({
    port: Number(new URL(address).port),
    newAddress: await host.newAddress().then((next) => () => next),
  })
  return {
    page,
    complaints,
    elsewhere,
    call: async (name, input) => {
      const reply = await call(name, input)
      if (!reply.ok) throw new Error(JSON.stringify(reply.problem))
      return reply.value as never
    },
    async close() {
      const { code, said } = await host.end('SIGINT')
      await context.close()
      if (code !== 0) throw new Error(`the host ended with ${code}: ${said}`)
    },
    async kill() {
      await host.end('SIGKILL')
      await context.close()
    },
  }
}

function startHost(home: string, elsewhere: string[]) {
  const { VITEST: _forVitest, ...inherited } = process.env
  const child = spawn(process.execPath, [join(root, 'src/web/main.ts'), '--home', home], {
    env: { ...inherited, NODE_OPTIONS: `--import=${join(root, 'tests/support/no-network.ts')}` },
  })
  const ended = once(child, 'exit')
  let said = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    said += `${line}\n`
    if (line.startsWith(triedWord)) elsewhere.push(line)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let isFirst = true
  return {
    /** The one it prints at its start, then one more each time. */
    async newAddress(): Promise<string> {
      if (!isFirst) child.stdin.write('\n')
      isFirst = false
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`the host ended: ${said}`)
        if (isAddress(value)) return value.trim()
      }
    },
    async end(signal: NodeJS.Signals): Promise<{ code: number | null; said: string }> {
      child.kill(signal)
      const [code] = await ended
      return { code, said }
    },
  }
}
