import { expect, test, vi } from 'vitest'
import { createOutput, printable } from '../../src/cli/output.ts'

function record(isTTY: boolean) {
  const written = { out: '', error: '' }
  let nowMs = 0
  const streams = {
    out: { write: (text: string) => (written.out += text) },
    error: { isTTY, columns: 20, write: (text: string) => (written.error += text) },
    monotonicMs: () => nowMs,
  }
  return { written, streams, sleep: (ms: number) => (nowMs += ms) }
}

test('in a pipe progress is plain lines at most every five seconds, milestones always', () => {
  const { written, streams, sleep } = record(false)
  const output = createOutput(false, streams)
  output.progress('step 1')
  output.progress('step 2')
  output.progress('evaluated', true)
  sleep(6_000)
  output.progress('step 9')
  expect(written.error).toBe('step 1\nevaluated\nstep 9\n')
})

test('on a terminal progress rewrites one line, cut to its width', () => {
  const { written, streams } = record(true)
  const output = createOutput(false, streams)
  output.progress('a'.repeat(50))
  output.line('done')
  expect(written.error).toBe(`\r\x1b[2K${'a'.repeat(19)}\r\x1b[2K`)
  expect(written.out).toBe('done\n')
})

test('on a terminal a milestone is kept whole: its end may be the command to type next', () => {
  const { written, streams } = record(true)
  createOutput(false, streams).progress(`${'a'.repeat(50)} the end`, true)
  expect(written.error).toBe(`\r\x1b[2K${'a'.repeat(50)} the end\n`)
})

test('JSON mode prints the result and nothing else on standard output', () => {
  const { written, streams } = record(false)
  const output = createOutput(true, streams)
  output.line('for people')
  output.result({ a: 1 })
  expect(JSON.parse(written.out)).toEqual({ a: 1 })
})

test('a problem is words and a JSON document, or words alone where the result holds it', () => {
  const problem = { code: 'disk.full', message: 'Full.', where: 'here', remedy: 'Make room.' } as const
  const both = record(false)
  createOutput(true, both.streams).problem(problem)
  expect(JSON.parse(both.written.out)).toEqual({ problem })
  const words = record(false)
  createOutput(true, words.streams).problemInWords(problem)
  expect(words.written).toEqual({ out: '', error: both.written.error })
  expect(words.written.error).toBe('Full.\n  where: here\n  what to do: Make room.\n')
})

test('a hint is typed as this person has to, the place that a problem names is not touched', () => {
  vi.stubEnv('TUNEWRIGHT_COMMAND', 'npm run tunewright --')
  const { written, streams } = record(false)
  const where = 'my tunewright data/rows.csv'
  const remedy = 'Look with: tunewright data check FILE'
  createOutput(false, streams).problemInWords({ code: 'disk.full', message: 'Full.', where, remedy })
  vi.unstubAllEnvs()
  expect(written.error).toBe(
    `Full.\n  where: ${where}\n  what to do: Look with: npm run tunewright -- data check FILE\n`,
  )
})

test('every line of a result is made harmless, whoever prints it', () => {
  const { written, streams } = record(false)
  createOutput(false, streams).line('run \x1b[2Jname\nfinished')
  expect(written.out).toBe('run ·[2Jname·finished\n')
})

test('foreign text cannot move the cursor, colour the terminal or turn the writing direction', () => {
  expect(printable('a\x1b[31mred\r\n\u202egpj')).toBe('a·[31mred···gpj')
})
