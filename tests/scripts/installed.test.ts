// Commands of a fresh clone that are started at once, as real processes of the real scripts: one installs, the others wait
// for it and say so. (They cleared node_modules away under each other, and then blamed the registry.)
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const clones: string[] = []
const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  for (const clone of clones.splice(0)) rmSync(clone, { recursive: true, force: true, maxRetries: 3 })
})

/** The scripts of this repository, and a task for them that needs no package. */
function freshClone({ ms = 1_000, exitCode = 0 } = {}): string {
  const clone = mkdtempSync(join(tmpdir(), 'tunewright-clone-'))
  clones.push(clone)
  mkdirSync(join(clone, 'scripts'))
  for (const name of ['installed.mjs', 'install-lock.mjs'])
    cpSync(join(root, 'scripts', name), join(clone, 'scripts', name))
  writeFileSync(join(clone, 'package-lock.json'), '{}')
  mkdirSync(join(clone, 'bench'))
  writeFileSync(join(clone, 'bench', 'memory.ts'), "process.stdout.write('the task ran')")
  slowNpm(clone, { ms, exitCode })
  return clone
}

const slowNpm = (clone: string, how: { ms: number; exitCode: number }): void =>
  writeFileSync(join(clone, 'slow-npm.json'), JSON.stringify(how))

interface Told {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

function start(clone: string): { child: ChildProcess; heard: () => string; done: Promise<Told> } {
  // What npm would tell of itself to whoever runs this test is not about the clone.
  const { npm_lifecycle_event: _, ...environment } = process.env
  const child = spawn(process.execPath, ['scripts/installed.mjs', 'bench:memory'], {
    cwd: clone,
    env: { ...environment, npm_execpath: join(import.meta.dirname, 'slow-npm.mjs') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let out = ''
  let error = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text
  })
  const done = once(child, 'close').then(([code]) => ({ code: code as number | null, out, error }))
  return { child, heard: () => error, done }
}

const installs = (clone: string): string[] => {
  const log = join(clone, 'install.log')
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
}
const lockOf = (clone: string): string => join(clone, '.cache', 'installing')

test('of four that are started at once one installs, and all of them run', async () => {
  const clone = freshClone()
  const told = await Promise.all([1, 2, 3, 4].map(() => start(clone).done))
  for (const one of told) expect(one).toMatchObject({ code: 0, out: 'the task ran' })
  expect(installs(clone).map((line) => line.split(' ')[0])).toEqual(['begin', 'end'])
  const waiting = told.filter(({ error }) =>
    /Another command is installing the packages .+ \(process \d+\)/.test(error),
  )
  expect(waiting).toHaveLength(3)
  for (const { error } of waiting) expect(error.match(/Another command/g)).toHaveLength(1)
  expect(existsSync(lockOf(clone))).toBe(false)
  expect((await start(clone).done).error).toBe('')
})

test('one that was killed holds nobody up: who waits installs, once npm is gone too', async () => {
  const clone = freshClone({ ms: 2_000 })
  const first = start(clone)
  await expect.poll(() => installs(clone).length).toBe(1)
  const second = start(clone)
  await expect.poll(second.heard).toMatch(/Another command is installing/)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  // Its npm goes on in the folder, and is not disturbed.
  expect(await second.done).toMatchObject({ code: 0, out: 'the task ran' })
  expect(installs(clone).map((line) => line.split(' ')[0])).toEqual(['begin', 'end', 'begin', 'end'])
})

test('a lock of a process of before, whose number another one has now, holds nobody up', async () => {
  const clone = freshClone({ ms: 10 })
  mkdirSync(join(clone, '.cache'))
  const holders = [{ pid: process.pid, started: 'long ago' }]
  writeFileSync(lockOf(clone), JSON.stringify({ token: 'of-before', holders }))
  const told = await start(clone).done
  expect(told).toMatchObject({ code: 0, error: expect.not.stringContaining('Another command') })
})

test('one that is asked to end takes its npm along and gives the lock back', async () => {
  const clone = freshClone({ ms: 60_000 })
  const first = start(clone)
  await expect.poll(() => installs(clone).length).toBe(1)
  first.child.kill('SIGTERM')
  expect(await first.done).toMatchObject({ code: 130 })
  expect(existsSync(lockOf(clone))).toBe(false)
  slowNpm(clone, { ms: 10, exitCode: 0 })
  expect(await start(clone).done).toMatchObject({ code: 0, out: 'the task ran' })
})

test('where the first one fails the next tries itself, and each says what npm said', async () => {
  const clone = freshClone({ ms: 300, exitCode: 7 })
  const told = await Promise.all([1, 2].map(() => start(clone).done))
  for (const one of told)
    expect(one).toMatchObject({ code: 7, error: expect.stringContaining('read what npm says above') })
  expect(installs(clone).map((line) => line.split(' ')[0])).toEqual(['begin', 'end', 'begin', 'end'])
})
