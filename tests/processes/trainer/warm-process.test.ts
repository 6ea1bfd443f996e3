// The trainer process behind runs that follow each other: what it outlives, when it is another one, when it goes.
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { entryPath } from '#core/system/program-places.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import type { TrainerMessage } from '#shared/trainer-protocol.ts'
import { curveOf, finishedOf, stored } from './trainer-process.ts'
import { alone, lora, makeJob, place, resultOf, runWarm, trainers } from './warm-runs.ts'

vi.setConfig({ testTimeout: 400_000 })

describe('the process behind runs', () => {
  it('is another one after a kill inside a run and after one between two, and the run goes on bit for bit', async () => {
    const checkpoints = { everySeconds: null, everySteps: 2 }
    const job = await makeJob({ checkpoints, duration: { epochs: 2 } })
    const whole = resultOf(await alone(job))
    const first = await runWarm(job, (event, kill) => {
      if (event.kind === 'step' && event.step === 5) kill()
    })
    expect(first.exit.signal).toBe('SIGKILL')
    const firstSeq = 1 + stored(first.messages).length
    const second = await runWarm({ ...job, firstSeq })
    expect(second.pid).not.toBe(first.pid)
    expect(finishedOf(second.events)).toMatchObject({ adapterSha256: whole.adapterSha256 })
    expect(curveOf([...first.events, ...second.events])).toEqual(whole.curve)

    // Dead, and nobody may know yet when the next run comes.
    process.kill(second.pid!, 'SIGKILL')
    const other = await makeJob()
    const third = await runWarm(other)
    expect(third.pid).not.toBe(second.pid)
    expect(resultOf(third.events)).toEqual(resultOf(await alone(other)))
  })

  it('is another one for another number of threads, and for a run beside it', async () => {
    const one = await runWarm(await makeJob())
    const two = await runWarm(await makeJob({ threads: 2 }))
    expect(two.pid).not.toBe(one.pid)
    const [three, four] = await Promise.all([
      runWarm(await makeJob({ threads: 2 })),
      runWarm(await makeJob({ threads: 2 })),
    ])
    expect(three.pid).not.toBe(four.pid)
    expect([three.pid, four.pid]).toContain(two.pid)
    for (const { events } of [three, four]) finishedOf(events)
  })

  it('serves the next run after one that diverged, and not after one that failed otherwise', async () => {
    const first = await runWarm(await makeJob())
    const diverged = await runWarm(
      await makeJob({
        optimizer: { kind: 'sgd', learningRate: 1, clipNorm: null, beta1: 0.9 },
        method: { ...lora, alpha: 1e30 },
      }),
    )
    expect(diverged.events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'training.diverged' } })
    const job = await makeJob()
    const after = await runWarm(job)
    expect(after.pid).toBe(first.pid)
    expect(resultOf(after.events)).toEqual(resultOf(await alone(job)))
    const failed = await runWarm({
      ...(await makeJob()),
      datasetFolder: join(place.tiny.library.home, 'nowhere'),
    })
    expect(failed.events.at(-1)?.kind).toBe('failed')
    expect((await runWarm(await makeJob())).pid).not.toBe(first.pid)
  })

  it('hears no command that was meant for the run before', async () => {
    const job = await makeJob()
    const child = place.warm.launcher.launch('trainer')
    await new Promise<void>((resolve) => {
      child.onExit(() => resolve())
      child.onMessage((raw) => {
        if ((raw as TrainerMessage).event.kind === 'finished') child.send({ kind: 'cancel' })
      })
      child.send({ kind: 'start', job })
    })
    child.send({ kind: 'cancel' })
    const next = await runWarm(await makeJob())
    expect(next.pid).toBe(child.pid)
    expect(finishedOf(next.events).reason).toBe('completed')
  })

  it('ends when its memory is wanted, when its study is over, and when nobody comes', async () => {
    const isThere = (pid: number | undefined): boolean => {
      try {
        return process.kill(pid!, 0)
      } catch {
        return false
      }
    }
    const first = await runWarm(await makeJob())
    expect(isThere(first.pid)).toBe(true)
    trainers.letGo()
    await vi.waitFor(() => expect(isThere(first.pid)).toBe(false), 10_000)
    const second = await runWarm(await makeJob())
    expect(second.pid).not.toBe(first.pid)
    place.warm.close()
    await vi.waitFor(() => expect(isThere(second.pid)).toBe(false), 10_000)
    place.warm = createWarmTrainers(createNodeLauncher(), 50).open()
    const third = await runWarm(await makeJob())
    await vi.waitFor(() => expect(isThere(third.pid)).toBe(false), 10_000)
  })

  it('ends with the program that started it, while it waits', async () => {
    const job = { ...(await makeJob()), staysOpen: true }
    const child = fork(entryPath('trainer'), [], { serialization: 'advanced', stdio: 'ignore', execArgv: [] })
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await new Promise<void>((resolve) => {
      child.on('message', (raw) => {
        if ((raw as TrainerMessage).event.kind === 'finished') resolve()
      })
      child.send({ kind: 'start', job })
    })
    expect(child.exitCode).toBeNull()
    child.disconnect()
    expect(await exited).toBe(0)
  })
})
