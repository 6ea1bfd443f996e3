// Nothing leaves the computer: a training in its own process, and the backend in this one, seen by the operating system.
// The runtime as it comes keeps a device id in the home folder and looks for its maker's server (docs/decisions/0006).
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'

const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) console.log('strace is not installed: sockets were not watched, only the home folder')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunewright-offline-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('training opens no Internet socket and leaves nothing in the home folder', { timeout: 300_000 }, () => {
  const home = mkdtempSync(join(folder, 'home-'))
  const trace = join(folder, 'trace')
  const script = fileURLToPath(new URL('offline-job.ts', import.meta.url))
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', script]
  const watched = ['strace', '-f', '-e', 'trace=socket,connect', '-o', trace, ...node]
  const [command, ...parameters] = hasStrace ? watched : node
  // A bare environment: the runtime also keeps quiet where a variable says that this is a build server.
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, TMPDIR: folder }
  const ran = spawnSync(command!, parameters, { encoding: 'utf8', env })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toContain('done')
  expect(readdirSync(home, { recursive: true })).toEqual([])
  if (hasStrace) expect(readFileSync(trace, 'utf8')).not.toMatch(/AF_INET/)
})

test('a thread that would load the runtime unguarded is refused', async () => {
  const backend = new URL('../../src/backends/onnx/index.ts', import.meta.url)
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
  const worker = new Worker(backend, { env, execArgv: ['--disable-warning=ExperimentalWarning'] })
  const error = await new Promise<Error>((resolve, reject) => {
    worker.on('error', resolve)
    worker.on('exit', () => reject(new Error('the thread loaded the runtime')))
  })
  expect(error.message).toMatch(/ORT_DISABLE_TELEMETRY must be set/)
})
