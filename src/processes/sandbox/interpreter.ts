// What both interpreters of the sandbox have in common: a fresh state for every program, and an outcome in words.
import type { ProgramOutcome } from '#shared/sandbox-protocol.ts'

/** The program as written, and lines that fail if it is wrong: at least one. */
export interface Program {
  readonly code: string
  readonly tests: string
}

export interface Interpreter {
  /** A new state that no earlier program has touched. What it gives runs one program and then ends that state. */
  prepare(): Promise<(program: Program) => ProgramOutcome>
}

const shorten = (text: string): string => (text.length > 500 ? `${text.slice(0, 499).toWellFormed()}…` : text)

export const passed: ProgramOutcome = { passed: true, end: 'passed', reason: null }

export const failedAs = (end: Exclude<ProgramOutcome['end'], 'passed'>, reason: string): ProgramOutcome => ({
  passed: false,
  end,
  reason: shorten(reason),
})

export const noTests = failedAs('no-tests', 'There is no test, so nothing shows whether it is right.')
export const outOfTime = failedAs('time', 'It did not finish in time.')
export const outOfMemory = failedAs('memory', 'It used too much memory.')
export const tooMuchOutput = failedAs('output', 'It printed or wrote too much.')

/** Counts what a program writes, and keeps nothing of it. */
export function createMeter(limitBytes: number): { take(bytes: number): boolean; isOver(): boolean } {
  let taken = 0
  return {
    take(bytes) {
      taken += bytes
      return taken <= limitBytes
    },
    isOver: () => taken > limitBytes,
  }
}
