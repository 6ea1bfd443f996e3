// A trainer whose numerics thread is broken in the way that the environment names: for trainer-crash.test.ts.
import { isMainThread, threadId } from 'node:worker_threads'
import { serveTrainer } from '../../../src/processes/trainer/main-thread.ts'

if (isMainThread) serveTrainer(new URL(import.meta.url))
else if (process.env.BROKEN_BY === 'throwing') throw new Error(`a bug in thread ${threadId}`)
else if (process.env.BROKEN_BY === 'rejecting') void Promise.reject(new Error('a bug later'))
else if (process.env.BROKEN_BY === 'leaving') process.exit(3)
else if (process.env.BROKEN_BY === 'memory') {
  const kept: string[][] = []
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, i) => `${i} of ${kept.length}`))
}
