// A whole core in a folder of its own, asked through its contract as a screen does. The bin is a folder beside it.
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach } from 'vitest'
import { createNodeLauncher, type Launcher, type ProcessName } from '#core/system/launcher.ts'
import { createLastingWorkstation } from '#core/workstation/lasting-workstation.ts'
import type { Workstation } from '#core/workstation/workstation.ts'
import { type Api, dispatch, type Job, makeApi } from '#shared/contract/index.ts'
import { ok, unwrap } from '#shared/result.ts'

export interface OpenWorkstation {
  readonly home: string
  readonly bin: string
  readonly workstation: Workstation
  readonly api: Api
  /** Paths behind the handles that a person picked. */
  readonly picked: Map<string, string>
  /** Names of the processes that were started. */
  readonly launched: readonly ProcessName[]
  /** The job when it has ended. */
  ended(jobId: string): Promise<Job>
  close(): Promise<void>
}

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tunewright-workstation-'))
  closers.push(() => rm(home, { recursive: true, force: true, maxRetries: 3 }))
  return home
}

/** The launcher: left out, that of the program. */
export async function openWorkstation(
  home?: string,
  { launch: start }: Launcher = createNodeLauncher(),
): Promise<OpenWorkstation> {
  const folder = home ?? (await temporaryHome())
  const bin = `${folder}-bin`
  await mkdir(bin, { recursive: true })
  closers.push(() => rm(bin, { recursive: true, force: true }))
  const picked = new Map<string, string>()
  const launched: ProcessName[] = []
  const workstation = unwrap(
    createLastingWorkstation({
      home: folder,
      launcher: {
        launch(name) {
          launched.push(name)
          return start(name)
        },
      },
      host: {
        kind: 'direct',
        pickedPath: (handle) => picked.get(handle) ?? null,
        async moveToBin(path) {
          await rename(path, join(bin, basename(path)))
          return ok(undefined)
        },
      },
    }),
  )
  const api = makeApi({
    call: (name, input) => dispatch(workstation.handlers, name, input),
    onEvent: (listener) => workstation.onEvent(listener),
  })
  const jobs = new Map<string, Job>()
  const waiting = new Map<string, (job: Job) => void>()
  api.on('job.changed', (job) => {
    jobs.set(job.id, job)
    if (job.status !== 'running') waiting.get(job.id)?.(job)
  })
  let isClosed = false
  const close = async (): Promise<void> => {
    if (!isClosed) await workstation.close()
    isClosed = true
  }
  closers.push(close)
  const ended = (jobId: string): Promise<Job> =>
    new Promise((resolve) => {
      const job = jobs.get(jobId)
      if (job !== undefined && job.status !== 'running') resolve(job)
      else waiting.set(jobId, resolve)
    })
  return { home: folder, bin, workstation, api, picked, launched, ended, close }
}
