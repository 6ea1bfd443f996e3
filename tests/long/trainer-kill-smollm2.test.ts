// kill -9 of a real trainer process on the real SmolLM2-135M: 20 moments.
import { describe } from 'vitest'
import { importModel } from '../../src/core/models/import-model.ts'
import { unwrap } from '../../src/shared/result.ts'
import { inPhase, testKills } from '../faults/kill-trainer.ts'
import { makeTestLibrary, messagesCsv } from '../processes/trainer/tiny-run.ts'
import { findStarterGguf } from '../support/models.ts'

const gguf = findStarterGguf()

describe.skipIf(gguf === null)('a trainer of SmolLM2-135M killed with SIGKILL', () => {
  testKills({
    makeLibrary: () =>
      makeTestLibrary(messagesCsv(30), async (library) => unwrap(await importModel(library, gguf!))),
    settings: {
      threads: 2,
      method: { kind: 'lora', rank: 8, alpha: 16 },
      optimizer: { learningRate: 2e-4 },
      batch: { microRows: 2, accumulation: 2, maxTokens: 128 },
      duration: { epochs: 2 },
      evaluation: { everySteps: 3, patience: null },
      checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
    },
    kills: 20,
    killsPerRun: 5,
    moments: [
      { name: 'anywhere in training', after: (event) => event.kind === 'plan', withinMs: 20_000 },
      { name: 'saving', after: inPhase('saving'), withinMs: 400 },
      { name: 'measuring', after: inPhase('evaluating'), withinMs: 1_500 },
      { name: 'just after a checkpoint', after: (event) => event.kind === 'checkpoint', withinMs: 200 },
      { name: 'a step', after: (event) => event.kind === 'step', withinMs: 1_500 },
      { name: 'starting', after: inPhase('loading'), withinMs: 5_000 },
      { name: 'writing the adapter', after: inPhase('finishing'), withinMs: 200 },
    ],
    timeoutMs: 3_600_000,
  })
})
