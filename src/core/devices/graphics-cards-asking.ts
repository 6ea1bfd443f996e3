// Asks a program of the system for facts, bounded: no shell, little output, and no longer than a few seconds, because a
// driver that hangs takes its tools along.
import { spawn } from 'node:child_process'

export type Asked =
  | { readonly kind: 'said'; readonly code: number | null; readonly text: string }
  /** There is no such program, or it may not be started. */
  | { readonly kind: 'absent' }
  /** It gave no end of an answer in time. */
  | { readonly kind: 'silent' }

export type Ask = (command: string, args: readonly string[]) => Promise<Asked>

const limitMs = 5_000
const mostCharacters = 200_000

export const askSystem: Ask = (command, args) => askWithin(command, args, limitMs)

/** What it says on both outputs. A process that cannot even be killed (a driver that hangs) is left behind. */
export function askWithin(command: string, args: readonly string[], ms: number): Promise<Asked> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      env: { ...process.env, LC_ALL: 'C' },
    })
    let text = ''
    const end = (asked: Asked): void => {
      clearTimeout(timer)
      if (child.exitCode === null) child.kill('SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
      child.unref()
      resolve(asked)
    }
    const timer = setTimeout(() => end({ kind: 'silent' }), ms)
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (text.length > mostCharacters) end({ kind: 'said', code: null, text })
      })
    child.on('error', () => end({ kind: 'absent' }))
    child.on('close', (code) => end({ kind: 'said', code, text }))
  })
}
