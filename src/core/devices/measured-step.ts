// The training step that a device is measured with, and what the plan says of it: LoRA of rank 8 on all linear layers, each
// block computed twice, a quarter of the tokens labelled, rows one behind the other. Pure.
import { parameterCount, type Task } from '#engine/index.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import type { PlannedModel } from '../models/model-config.ts'
import { planMemory, runFigures } from '../training/memory-plan.ts'
import { taskOf } from '../training/method-of.ts'

export interface MeasuredStep {
  readonly recipe: Recipe
  readonly tokensPerRow: number
  /** Operations of its matrix products. */
  readonly flops: number
  readonly plannedBytes: number
}

/** Rows and tokens, so that a step takes seconds and not minutes on a slow processor. */
const sizes = [
  { mostParameters: 5e8, rows: 4, tokens: 256 },
  { mostParameters: 2e9, rows: 1, tokens: 256 },
  { mostParameters: Number.POSITIVE_INFINITY, rows: 1, tokens: 128 },
] as const

const classes = 2

export function measuredStep(
  { id, weightsSha256 }: { readonly id: string; readonly weightsSha256: string },
  model: PlannedModel,
  threads: number,
): MeasuredStep {
  const { config } = model
  const { rows, tokens } = sizes.find(({ mostParameters }) => parameterCount(config) <= mostParameters)!
  const tokensPerRow = Math.min(tokens, config.maxPositions)
  const recipe = recipeSchema.parse({
    version: 1,
    model: { id, weightsSha256 },
    data: { fingerprint: 'measurement' },
    // A sentence encoder writes no answer: it learns labels.
    ...(config.kind === 'encoder'
      ? { scenario: 'classification', method: { kind: 'lora-head' } }
      : { scenario: 'question-answering' }),
    instruction: '',
    threads,
    batch: { microRows: rows },
    duration: { epochs: 1000 },
    evaluation: { patience: null },
    checkpoints: { everySeconds: null },
  })
  const task: Task = taskOf(recipe.method, recipe.scenario, classes, config)
  const labelled = task.kind === 'language-model' ? Math.max(1, Math.round(tokensPerRow / 4)) : 1
  const planned = {
    ...{ ...model, recipe, task, isMeasured: false },
    rows: {
      longestTokens: tokensPerRow,
      mostLabelledTokens: labelled,
      longestSourceTokens: tokensPerRow - labelled,
    },
  }
  const figures = runFigures(planned)
  return {
    recipe,
    tokensPerRow,
    flops: figures.training.flops,
    plannedBytes: Math.round(planMemory(planned, figures).total),
  }
}
