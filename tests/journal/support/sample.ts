// One project, model and data set, a run of them and its events. Child processes use this too: nothing here needs vitest.
import type { JournalWriter } from '#journal/writer.ts'
import type { NewEvent, NewRun } from '#shared/journal-commands.ts'
import { recipe } from '#shared/recipe.ts'
import { describeProblem, type Result } from '#shared/result.ts'

export const weightsSha256 = 'a'.repeat(64)

/** The value of a Result that must be good. */
export function good<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(describeProblem(result.problem))
  return result.value
}

/** The code of a Result that must be a Problem. */
export function codeOf(result: Result<unknown>): string {
  if (result.ok) throw new Error(`expected a Problem, got ${JSON.stringify(result.value)}`)
  return result.problem.code
}

export const sampleLibrary = {
  project: { name: 'Support mail', scenario: 'classification', goal: 'Sort mail by team.' },
  model: {
    id: 'starter',
    name: 'SmolLM2 135M Instruct',
    source: 'file',
    licence: 'Apache-2.0',
    weightsSha256,
    parameters: 134_515_008,
  },
  dataset: {
    fingerprint: 'd'.repeat(64),
    scenario: 'classification',
    sourceName: 'mail.csv',
    manifest: { columns: { text: 'message', label: 'team' } },
    counts: { train: 100, validation: 20, test: 30, leftOut: 2 },
  },
} as const

export const sampleRecipe = (seed = 42) =>
  recipe.parse({
    version: 1,
    model: { id: 'starter', weightsSha256 },
    data: { fingerprint: 'd'.repeat(64) },
    scenario: 'classification',
    instruction: 'Name the team.',
    seed,
    threads: 2,
  })

export const sampleRun = {
  name: 'First try',
  recipe: sampleRecipe(),
  backend: 'onnx-cpu',
  device: { cpu: 'Example', cores: 2 },
  versions: { tunewright: '0.1.0' },
}

/** Adds the sample's project, model and data set; returns the input for a run of them. */
export function addSampleLibrary(writer: JournalWriter): NewRun {
  const project = good(writer.ensureProject(sampleLibrary.project))
  good(writer.addModel(sampleLibrary.model))
  good(writer.addDataset(sampleLibrary.dataset))
  return { ...sampleRun, projectId: project.id }
}

export const stepEvent = (seq: number, step: number, lossNats = 1 / step): NewEvent => ({
  seq,
  atMs: 1_750_000_000_000 + seq,
  kind: 'step',
  body: {
    step,
    epoch: step / 100,
    lossNats,
    gradNorm: 0.5,
    learningRate: 2e-4,
    labelledTokens: 64,
    tokensSeen: 512 * step,
    durationMs: 120.5,
  },
})

export const evaluationEvent = (seq: number, step: number, lossNats: number, isBest: boolean): NewEvent => ({
  seq,
  atMs: 1_750_000_000_000 + seq,
  kind: 'evaluation',
  body: { step, lossNats, labelledTokens: 640, isBest, durationMs: 900 },
})
