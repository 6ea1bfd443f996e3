// The n-th write, flush, cut, rename or removal of a scripted session fails or kills the process, for n = 1, 2, 3 ...
// (the method of SQLite's own crash tests). The system call tracer does it, so everything under test is real. Whatever
// happened: no throw, the journal opens, is sound, and holds everything that was acknowledged.
// Every n in the long run; a sample of them otherwise; skipped where strace is missing.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openForReading } from '#journal/connection.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from './support/folders.ts'
import { addSampleLibrary, good, stepEvent } from './support/sample.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) console.log('strace is not installed: the fault sweep was skipped')

const script = fileURLToPath(new URL('support/scripted-session.ts', import.meta.url))
/** Filled by the first run, which comes to its end: killed processes save no compiled code. */
const compileCache = temporaryFolder()
const isLong = process.env.TUNEWRIGHT_LONG !== undefined

const calls = ['pwrite64', 'fsync', 'ftruncate', 'rename', 'unlink'] as const
const faults = ['signal=KILL', 'error=ENOSPC', 'error=EIO'] as const
/** One of so many calls is tried in the short run. */
const stride: Record<(typeof calls)[number], number> = {
  pwrite64: 251,
  fsync: 61,
  ftruncate: 3,
  rename: 1,
  unlink: 4,
}

describe.skipIf(!hasStrace)('a session in which', () => {
  test('nothing fails acknowledges everything', () => {
    const folder = temporaryFolder()
    const { hasFired, lines } = runWithFault(folder, 'rename', 'error=EIO', 60_000)
    expect(hasFired).toBe(false)
    expect(lines.filter((line) => line.code !== undefined)).toEqual([])
    expect(lines).toHaveLength(18)
    assertNothingLost(folder, lines, 'no fault')
  })

  test.each(calls.flatMap((call) => faults.map((fault) => [call, fault] as const)))(
    '%s ends with %s',
    { timeout: 3_600_000 },
    (call, fault) => {
      const step = isLong ? 1 : stride[call]
      const offset = isLong ? 0 : faults.indexOf(fault) * Math.floor(step / 3)
      let fired = 0
      for (let n = 1 + offset; ; n += step) {
        const folder = temporaryFolder()
        const session = runWithFault(folder, call, fault, n)
        if (!session.hasFired) break
        fired += 1
        assertNothingLost(folder, session.lines, `${call} ${n} ${fault}`)
      }
      console.log(`${call} ${fault}: ${fired} faults, nothing acknowledged lost`)
      expect(fired).toBeGreaterThan(0)
    },
  )
})

interface Line {
  readonly what: string
  readonly value?: { id?: string; headSeq?: number; headHash?: string; path?: string }
  readonly code?: string
}

function runWithFault(folder: string, call: string, fault: string, n: number) {
  const trace = join(folder, 'trace')
  const ran = spawnSync(
    'strace',
    [
      ...['-f', '-o', trace, '-e', `trace=${call}`, '-e', `inject=${call}:${fault}:when=${n}`],
      ...[process.execPath, '--disable-warning=ExperimentalWarning', script, folder],
    ],
    { encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: compileCache } },
  )
  const told = readFileSync(trace, 'utf8')
  const wasKilled = told.includes('killed by SIGKILL')
  const hasFired = wasKilled || told.includes('(INJECTED)')
  // A Problem is fine; a stack trace is not.
  expect(ran.stderr, `${call} ${n} ${fault}`).toBe('')
  const lines = ran.stdout
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)
  return { hasFired, lines }
}

function assertNothingLost(folder: string, lines: readonly Line[], what: string): void {
  for (const { code } of lines)
    expect(code ?? 'none', what).toMatch(
      /^(none|journal\.(disk-full|failed|unreadable|backup-failed|busy|unknown|closed|transition|conflict)|run\.unknown|study\.unknown|project\.unknown)$/,
    )
  const path = join(folder, 'journal.db')
  const writer = good(openJournalWriter(path))
  const newRun = addSampleLibrary(writer)
  const reader = good(openJournalReader(path))
  expect(good(reader.verifyAll()), what).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
  const acknowledged = (name: string) =>
    lines.filter((line) => line.what === name && line.value !== undefined)
  for (const { value } of acknowledged('run'))
    expect(good(reader.getRun(value?.id ?? '')).name).toBe('First try')
  for (const { value } of acknowledged('events')) {
    const seq = value?.headSeq ?? 0
    expect(good(reader.events('run-a', seq - 1, 1)), what).toMatchObject([{ seq, hash: value?.headHash }])
  }
  for (const { value } of acknowledged('evaluation'))
    expect(good(reader.evaluations('run-a')).map(({ id }) => id)).toContain(value?.id)
  for (const _ of acknowledged('study')) expect(good(reader.study('study-a')).name, what).toBe('A night')
  // The trial and its run, or neither.
  const trials = reader.trials('study-a')
  const hasTrial = trials.ok && trials.value.length > 0
  expect(hasTrial, what).toBe(reader.getRun('run-t').ok)
  for (const _ of acknowledged('trial')) expect(hasTrial, what).toBe(true)
  for (const _ of acknowledged('queue'))
    expect(good(reader.queue()), what).toMatchObject([{ kind: 'study', id: 'study-a' }])
  for (const { value } of acknowledged('backup')) {
    const backup = openForReading(value?.path ?? '')
    expect(backup.pragma('integrity_check', { simple: true }), what).toBe('ok')
    backup.close()
  }
  reader.close()

  // It goes on: a new run, a new backup, and no half-made file is left.
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, [stepEvent(1, 1)]))
  good(writer.backup())
  good(writer.close())
  const left = readdirSync(folder).filter((name) => name.startsWith('journal'))
  expect(left.sort(), what).toEqual(['journal.db', 'journal.db.lock'])
  const backups = join(folder, 'backups')
  if (existsSync(backups))
    expect(
      readdirSync(backups).filter((name) => !/^(journal|before-schema-\d)-.*Z(-\d+)?\.db$/.test(name)),
      what,
    ).toEqual([])
}
