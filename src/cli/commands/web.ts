// `tunewright web`: starts the browser host as a process of its own and waits for it. Ctrl-C reaches it directly.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const hostEntry = fileURLToPath(new URL('../../web/main.ts', import.meta.url))

export interface WebOptions {
  readonly home: string | undefined
  readonly opensBrowser: boolean
}

/** Resolves when the host has ended; its exit code becomes ours. */
export async function runWeb({ home, opensBrowser }: WebOptions): Promise<void> {
  const parameters = [...(home ? ['--home', home] : []), ...(opensBrowser ? ['--open'] : [])]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', hostEntry, ...parameters], {
    stdio: 'inherit',
  })
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (code) => resolve(code ?? 1))
  })
}
