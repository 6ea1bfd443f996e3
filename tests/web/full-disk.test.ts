// `tunewright web` on a full disk, as its own process: it starts, says in the terminal what it is now, and shows the runs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt } from '../../scripts/program-build.ts'
import { otherJournal } from '../core/archive/other-journal.ts'
import { smallDisk } from '../support/small-disk.ts'
import { openPage } from './web-support.ts'

const disk = smallDisk('6m', 'full-disk test of the browser host')
const host = join(import.meta.dirname, '../../src/web/main.ts')

describe.skipIf(!disk.canMount)('on a full disk', () => {
  beforeAll(async () => {
    const fault = await ensureBuilt()
    if (fault !== null) throw new Error(fault)
  }, 300_000)

  test('the browser host opens for reading and says so', async () => {
    const { path, runIds } = otherJournal({ runs: 2 })
    const home = join(disk.folder, 'library')
    mkdirSync(home)
    copyFileSync(path, join(home, 'journal.db'))
    disk.fill()
    const child = spawn(process.execPath, [host, '--home', home], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      await expect.poll(() => said, { timeout: 60_000 }).toMatch(/http:\/\/127\.0\.0\.1:\d+\S+/)
      expect(said).toContain(`The disk of ${home} is full, so Tunewright is open for reading only.`)
      const address = /http:\/\/127\.0\.0\.1:(\d+)\S+/.exec(said)
      const page = await openPage({ port: Number(address?.[1]), newAddress: () => address?.[0] ?? '' })
      const listed = await page.call('experiments.list', {})
      expect(JSON.stringify(listed)).toContain(runIds[0])
      const edited = await page.call('experiments.edit', { runId: runIds[0], rating: 2 })
      expect(edited).toMatchObject({
        ok: false,
        problem: { message: expect.stringContaining('open for reading only') },
      })
      page.socket.close()
    } finally {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    }
    expect(child.exitCode).toBe(0)
  }, 120_000)
})
