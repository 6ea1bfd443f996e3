// A numerics thread that ends by a fault: the process still says why, with a stack for "Copy details", and exits.
import { fork } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TrainerMessage } from '../../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

async function runBroken(brokenBy: string): Promise<{ messages: TrainerMessage[]; code: number | null }> {
  const child = fork(fileURLToPath(new URL('./broken-trainer.ts', import.meta.url)), [], {
    execArgv: ['--max-old-space-size=64'],
    env: { ...process.env, BROKEN_BY: brokenBy },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const messages: TrainerMessage[] = []
  child.on('message', (message) => messages.push(message as TrainerMessage))
  child.send({ kind: 'start', job: { ...(await tiny.makeJob(brokenBy)), firstSeq: 5 } })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { messages: messages.filter(({ event }) => event.kind !== 'heartbeat'), code }
}

describe('a fault in the numerics thread', () => {
  it.each([
    ['throwing', /a bug in thread 1[\s\S]*broken-trainer/],
    ['rejecting', /a bug later/],
    ['leaving', /ended with code 3/],
    ['memory', /memory/],
  ])('%s ends as failed, once, with the reason', async (brokenBy, details) => {
    const { messages, code } = await runBroken(brokenBy)
    expect(messages).toMatchObject([
      {
        seq: 5,
        event: {
          kind: 'failed',
          problem: { code: 'trainer.crashed', details: expect.stringMatching(details) },
        },
      },
    ])
    expect(code).toBe(1)
    if (brokenBy === 'memory')
      expect(messages[0]!.event).toMatchObject({
        problem: { remedy: expect.stringContaining('batch.rowsAtOnce') },
      })
  })
})
