// kill -9 of a real trainer process on a tiny model: 20 moments.
import { describe } from 'vitest'
import { makeTinyLibrary } from '../processes/trainer/tiny-run.ts'
import { inPhase, testKills } from './kill-trainer.ts'

describe('a trainer of a tiny model killed with SIGKILL', () => {
  testKills({
    makeLibrary: () => makeTinyLibrary(),
    settings: {
      duration: { epochs: 6 },
      evaluation: { everySteps: 3, patience: null },
      checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
    },
    kills: 20,
    killsPerRun: 5,
    moments: [
      { name: 'anywhere in training', after: (event) => event.kind === 'plan', withinMs: 1500 },
      { name: 'saving', after: inPhase('saving'), withinMs: 40 },
      { name: 'measuring', after: inPhase('evaluating'), withinMs: 20 },
      { name: 'just after a checkpoint', after: (event) => event.kind === 'checkpoint', withinMs: 15 },
      { name: 'a step', after: (event) => event.kind === 'step', withinMs: 30 },
      { name: 'starting', after: inPhase('loading'), withinMs: 800 },
      { name: 'writing the adapter', after: inPhase('finishing'), withinMs: 20 },
    ],
    timeoutMs: 900_000,
  })
})
