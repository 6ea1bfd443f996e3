// A disk that really fills up during a checkpoint: a small tmpfs holds the run's folder. Needs root on Linux.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainerEvent, TrainerEventOf } from '../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import {
  curveOf,
  eventsIn,
  finishedOf,
  runTrainer,
  startTrainer,
} from '../processes/trainer/trainer-process.ts'

// Several processes each, of lowered priority: a busy machine may take its time.
vi.setConfig({ testTimeout: 300_000 })

const diskBytes = 2_000_000
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mounts()

/** Mounts are allowed to root, but not in every container. */
function mounts(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'tunewright-mount-probe-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(probe)
  }
}
if (!canMount) console.info('Skipped: a disk that fills up needs root on Linux, to mount a small one.')

describe.skipIf(!canMount)('a full disk', () => {
  let tiny: TestLibrary
  let undisturbed: TrainerEvent[]
  const mounted: string[] = []
  beforeAll(async () => {
    tiny = await makeTinyLibrary()
    undisturbed = eventsIn((await runTrainer(await tiny.makeJob('undisturbed'))).messages)
  })
  afterAll(async () => {
    for (const folder of mounted) execFileSync('umount', [folder])
    await rm(tiny.library.home, { recursive: true, force: true })
  })

  /** A job whose folder is a disk of its own, filled until `freeBytes` are left. */
  async function jobOnFullDisk(runId: string, freeBytes: number) {
    const job = await tiny.makeJob(runId)
    await mkdir(job.runFolder, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', job.runFolder])
    mounted.push(job.runFolder)
    const filler = join(job.runFolder, 'other-files')
    await writeFile(filler, new Uint8Array(diskBytes - freeBytes))
    return { job, freeTheDisk: () => rm(filler) }
  }
  const isFull = (event: TrainerEvent): boolean =>
    event.kind === 'paused' && event.problem?.code === 'disk.full'

  it.each([
    ['before the first checkpoint', 20_000],
    ['between two checkpoints', 110_000],
    ['in the third checkpoint', 230_000],
  ])('%s pauses the run, says what is needed, and loses nothing', async (name, freeBytes) => {
    const { job, freeTheDisk } = await jobOnFullDisk(`full ${name}`, freeBytes)
    const trainer = startTrainer(job)
    const paused = (await trainer.waitFor(isFull)) as TrainerEventOf<'paused'>
    expect(paused.problem!.message).toMatch(/saving step \d+ needs [\d.]+ KB, free is [\d.]+ K?B/)
    expect(paused.problem!.remedy).toMatch(/Free at least [\d.]+ KB/)
    // Resumed too early it pauses again.
    const pauses = () => eventsIn(trainer.messages).filter(isFull).length
    trainer.send({ kind: 'resume' })
    await trainer.waitFor(() => pauses() === 2)
    await freeTheDisk()
    trainer.send({ kind: 'resume' })
    await trainer.exited
    const events = eventsIn(trainer.messages)
    expect(curveOf(events)).toEqual(curveOf(undisturbed))
    expect(finishedOf(events).adapterSha256).toBe(finishedOf(undisturbed).adapterSha256)
  })

  it('killed while it waits for space, the run goes on from the checkpoint before', async () => {
    const { job, freeTheDisk } = await jobOnFullDisk('full and killed', 110_000)
    const trainer = startTrainer(job)
    const { step } = (await trainer.waitFor(isFull)) as TrainerEventOf<'paused'>
    trainer.child.kill()
    await trainer.exited
    await freeTheDisk()
    const { messages } = await runTrainer(job)
    const plan = eventsIn(messages).find((event) => event.kind === 'plan')!
    expect(plan.resumedAtStep).toBe(step - job.recipe.checkpoints.everySteps!)
    expect(curveOf([...eventsIn(trainer.messages), ...eventsIn(messages)])).toEqual(curveOf(undisturbed))
    expect(finishedOf(eventsIn(messages)).adapterSha256).toBe(finishedOf(undisturbed).adapterSha256)
  })

  it('cancelled while it waits for space, the run says from where it can go on', async () => {
    const { job } = await jobOnFullDisk('full and cancelled', 110_000)
    const trainer = startTrainer(job)
    await trainer.waitFor(isFull)
    trainer.send({ kind: 'cancel' })
    await trainer.exited
    const events = eventsIn(trainer.messages)
    expect(finishedOf(events).reason).toBe('cancelled')
    expect(events.find((event) => event.kind === 'notice')).toMatchObject({
      text: expect.stringMatching(/go on from step \d+/),
    })
  })
})
