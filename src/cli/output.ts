// How the command line speaks: results on standard output, progress and problems on standard error.
// On a terminal progress rewrites one line; in a pipe it is plain lines, few enough to read.
import { asTyped, withTypedCommands } from '#core/system/typed-command.ts'
import { describeProblem, type Problem } from '#shared/result.ts'

/** 0 done, 1 a Problem, 2 wrong use of the command, 130 stopped by Ctrl-C. */
export const exitCodes = { done: 0, problem: 1, usage: 2, interrupted: 130 } as const

export const exitCodeOf = ({ code }: Problem): number =>
  code === 'proof.cancelled' ? exitCodes.interrupted : exitCodes.problem

const plainIntervalMs = 5_000

export interface Output {
  readonly isJson: boolean
  /** A line of the result, foreign text in it made harmless. Left out in JSON mode, where `result` prints everything. */
  line(text?: string): void
  /** The whole result for a script; printed in JSON mode only, and once: two documents are no JSON. */
  result(value: unknown): void
  /** What is being done now. `isMilestone` lines are always kept, and whole. */
  progress(text: string, isMilestone?: boolean): void
  /** What went wrong, in words and as the result for a script. */
  problem(problem: Problem): void
  /** What went wrong in words only, where the result holds it too. */
  problemInWords(problem: Problem): void
}

export interface OutputStreams {
  readonly out: { write(text: string): unknown }
  readonly error: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  readonly monotonicMs: () => number
}

const processStreams: OutputStreams = {
  out: process.stdout,
  error: process.stderr,
  monotonicMs: () => performance.now(),
}

export function createOutput(isJson: boolean, streams: OutputStreams = processStreams): Output {
  let lastPlainMs = Number.NEGATIVE_INFINITY
  let isLineOpen = false
  const closeLine = () => {
    if (isLineOpen) streams.error.write('\r\x1b[2K')
    isLineOpen = false
  }
  const output: Output = {
    isJson,
    line(text = '') {
      closeLine()
      if (!isJson) streams.out.write(`${printable(asTyped(text))}\n`)
    },
    result(value) {
      closeLine()
      if (isJson) streams.out.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    progress(text, isMilestone = false) {
      const shown = printable(asTyped(text))
      if (streams.error.isTTY) {
        const line = isMilestone ? `${shown}\n` : shown.slice(0, (streams.error.columns || 80) - 1)
        streams.error.write(`\r\x1b[2K${line}`)
        isLineOpen = !isMilestone
        return
      }
      if (!isMilestone) {
        const nowMs = streams.monotonicMs()
        if (nowMs - lastPlainMs < plainIntervalMs) return
        lastPlainMs = nowMs
      }
      streams.error.write(`${shown}\n`)
    },
    problem(problem) {
      output.result({ problem })
      output.problemInWords(problem)
    },
    problemInWords(problem) {
      closeLine()
      streams.error.write(`${printable(describeProblem(withTypedCommands(problem)), true)}\n`)
    },
  }
  return output
}

/** Foreign text as text: control characters cannot move the cursor or change colours. */
export function printable(text: string, keepsLines = false): string {
  const allowed = keepsLines ? '\n' : ''
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0
      const isControl =
        code < 32 ||
        (code >= 127 && code < 160) ||
        (code >= 0x202a && code <= 0x202e) ||
        (code >= 0x2066 && code <= 0x2069)
      return isControl && character !== allowed ? '·' : character
    })
    .join('')
}
