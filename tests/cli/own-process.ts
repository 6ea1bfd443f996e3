// The command line in the test's own process: the same program with the same parameters, what it says and its exit code caught.
// For commands of which nothing is asked that only a process of their own can show; one at a time.
import { vi } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import type { Finished, Terminal } from './terminal.ts'

/** A library, and the folder that commands begin in. */
type Place = Pick<Terminal, 'home' | 'work'>

export async function ask({ home, work }: Place, ...parameters: string[]): Promise<Finished> {
  const before = { argv: process.argv, cwd: process.cwd(), exitCode: process.exitCode }
  const said = { out: '', error: '' }
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += text
    return true
  })
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.error += text
    return true
  })
  process.argv = [process.execPath, 'tunewright', '--home', home, ...parameters]
  process.exitCode = 0
  process.chdir(work)
  try {
    await runProgram()
    return { code: Number(process.exitCode), ...said }
  } finally {
    process.chdir(before.cwd)
    process.argv = before.argv
    process.exitCode = before.exitCode
    error.mockRestore()
    out.mockRestore()
  }
}

export async function askJson<T>(place: Place, ...parameters: string[]): Promise<T> {
  const { code, out, error } = await ask(place, '--json', ...parameters)
  if (code !== 0) throw new Error(error)
  return JSON.parse(out) as T
}
