// `npm run web` as a person starts it: several processes, of which a polite kill reaches only the first.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { ensureBuilt } from '../../scripts/program-build.ts'
import { temporaryHome } from '../core/workstation/open-workstation.ts'

const root = join(import.meta.dirname, '../..')
let started: readonly number[] = []

beforeAll(async () => {
  const fault = await ensureBuilt()
  if (fault !== null) throw new Error(fault)
}, 300_000)
afterEach(() => {
  for (const pid of started.filter(isThere)) process.kill(pid, 'SIGKILL')
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** This process and all below it. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => familyOf(Number(child))))]
}

async function heard(child: ChildProcess, words: RegExp): Promise<() => string> {
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await expect.poll(() => said, { timeout: 60_000 }).toMatch(words)
  return () => said
}

// The children of a process are listed there only.
test.skipIf(process.platform !== 'linux')(
  'a polite kill of npm ends the host and all processes between, in order (they stayed behind)',
  async () => {
    const home = await temporaryHome()
    const npm = spawn('npm', ['run', 'web', '--', '--home', home], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const said = await heard(npm, /http:\/\/127\.0\.0\.1:\d+/)
    started = familyOf(npm.pid ?? 0)
    expect(started.length).toBeGreaterThan(3)
    npm.kill('SIGTERM')
    await once(npm, 'exit')
    await expect.poll(() => started.filter(isThere), { timeout: 30_000 }).toEqual([])
    expect(said()).toContain('Ending. Runs save a checkpoint first')
    const writer = unwrap(openJournalWriter(join(home, 'journal.db')))
    expect(writer.opened.notices).toEqual([])
    unwrap(writer.close())
  },
)
