// A training state as the content of a checkpoint and back. Refuses a checkpoint of another run, recipe or data.
import { z } from 'zod'
import type { CheckpointTensor } from '#core/training/checkpoint-format.ts'
import { readCheckpointTensors, type VerifiedCheckpoint } from '#core/training/checkpoint-search.ts'
import type { CheckpointContent } from '#core/training/checkpoints.ts'
import { blankState, type ParameterLayout, type TrainState } from '#engine/train/state.ts'
import type { Recipe } from '#shared/recipe.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { type RunIdentity, type SavedIdentity, savedIdentitySchema } from './run-identity.ts'

const parametersFile = 'parameters.safetensors'
/** What the optimizer remembers, by '<slot>.<tensor>'. */
const momentsFile = 'moments.safetensors'
const averageFile = 'average.safetensors'
const bestFile = 'best.safetensors'

const stateSchema = z.strictObject({
  /** 1 hashed the recipe with every setting; else the two are the same. */
  version: z.literal([1, 2]),
  identity: savedIdentitySchema,
  /** Checkpoints from before there were two do not have it. */
  stage: z.literal([1, 2]).default(2),
  step: z.int().nonnegative(),
  tokensSeen: z.int().nonnegative(),
  evaluatedAtStep: z.int().min(-1),
  /** Where the best parameters are those of this very step they are not written twice. */
  best: z
    .strictObject({
      step: z.int(),
      lossNats: z.number(),
      file: z.enum([parametersFile, averageFile, bestFile]),
    })
    .nullable(),
  patienceLossNats: z.number().nullable(),
  evaluationsWithoutImprovement: z.int().nonnegative(),
  ending: z.enum(['completed', 'stopped-early']).nullable(),
})

type SavedState = z.output<typeof stateSchema>

export function stateContent(
  state: TrainState,
  layout: ParameterLayout,
  identity: RunIdentity,
): CheckpointContent {
  const { best, average } = state
  const measuredFile = average === null ? parametersFile : averageFile
  const file = best?.step === state.step ? measuredFile : bestFile
  const saved: SavedState = {
    version: 2,
    identity: identity.saved,
    stage: state.stage,
    step: state.step,
    tokensSeen: state.tokensSeen,
    evaluatedAtStep: state.evaluatedAtStep,
    best: best && { step: best.step, lossNats: best.lossNats, file },
    patienceLossNats: state.patienceLossNats,
    evaluationsWithoutImprovement: state.evaluationsWithoutImprovement,
    ending: state.ending,
  }
  const tensorFiles = new Map<string, ReadonlyMap<string, CheckpointTensor>>([
    [parametersFile, floatsOf(layout, state.parameters)],
    [momentsFile, state.memory],
  ])
  if (average !== null) tensorFiles.set(averageFile, floatsOf(layout, average))
  if (best !== null && file === bestFile) tensorFiles.set(bestFile, floatsOf(layout, best.parameters))
  return { step: state.step, state: saved, tensorFiles }
}

const floatsOf = (layout: ParameterLayout, flat: Float32Array): ReadonlyMap<string, CheckpointTensor> =>
  new Map(
    layout.entries.map(({ name, shape, offset, length }) => [
      name,
      { shape, data: flat.subarray(offset, offset + length) },
    ]),
  )

/** Step of the last measurement that a verified checkpoint knows of; -1 where there is none, or where it cannot be read. */
export function evaluatedAtStepOf({ state }: VerifiedCheckpoint): number {
  const parsed = stateSchema.safeParse(state)
  return parsed.success ? parsed.data.evaluatedAtStep : -1
}

/**
 * The state that a verified checkpoint holds. Throws ProblemError: run.not-resumable where it belongs to another run,
 * recipe or data, or holds what this version does not write.
 */
export async function readState(
  checkpoint: VerifiedCheckpoint,
  layout: ParameterLayout,
  recipe: Pick<Recipe, 'optimizer' | 'regularisation'>,
  identity: RunIdentity,
): Promise<{ readonly state: TrainState; readonly savedBy: SavedIdentity }> {
  const parsed = stateSchema.safeParse(checkpoint.state)
  if (!parsed.success) throw notResumable(checkpoint.folder, 'its state is not one that this version writes')
  const saved = parsed.data
  requireSame(saved, identity, checkpoint.folder)
  const readInto = (file: string, into: ReadonlyMap<string, CheckpointTensor>): Promise<void> =>
    readTensors(checkpoint, file, into)
  const state = blankState(layout, recipe)
  await readInto(parametersFile, floatsOf(layout, state.parameters))
  await readInto(momentsFile, state.memory)
  if (state.average !== null) await readInto(averageFile, floatsOf(layout, state.average))
  if (saved.best !== null) {
    const { step, lossNats, file } = saved.best
    state.best = { step, lossNats, parameters: new Float32Array(layout.length) }
    await readInto(file, floatsOf(layout, state.best.parameters))
  }
  state.stage = saved.stage
  state.step = saved.step
  state.tokensSeen = saved.tokensSeen
  state.evaluatedAtStep = saved.evaluatedAtStep
  state.patienceLossNats = saved.patienceLossNats
  state.evaluationsWithoutImprovement = saved.evaluationsWithoutImprovement
  state.ending = saved.ending
  return { state, savedBy: saved.identity }
}

function requireSame({ version, identity }: SavedState, now: RunIdentity, folder: string): void {
  const recipeSha256 = version === 1 ? now.firstRecipeSha256 : now.saved.recipeSha256
  const differs =
    identity.runId !== now.saved.runId
      ? 'it belongs to another run'
      : identity.recipeSha256 !== recipeSha256
        ? "the run's recipe has changed since"
        : identity.rowsSha256 !== now.saved.rowsSha256
          ? 'the rows or the tokenizer have changed since'
          : null
  if (differs !== null) throw notResumable(folder, differs)
}

/** Every byte verified, so nothing is damaged: it is another run's, or another version of Tunewright wrote it. */
const notResumable = (folder: string, reason: string): ProblemError =>
  new ProblemError({
    code: 'run.not-resumable',
    message: `The checkpoint cannot be gone on from: ${reason}.`,
    where: `checkpoints/${folder}`,
    remedy: 'Start a new run.',
  })

/** Fills every tensor of `into` from the file. */
async function readTensors(
  checkpoint: VerifiedCheckpoint,
  file: string,
  into: ReadonlyMap<string, CheckpointTensor>,
): Promise<void> {
  const missing = new Set(into.keys())
  const read = await readCheckpointTensors(checkpoint, file, (name, saved) => {
    const tensor = into.get(name)
    if (tensor?.shape.join() !== saved.shape.join()) return
    if (tensor.data.constructor !== saved.data.constructor) return
    tensor.data.set(saved.data)
    missing.delete(name)
  })
  unwrap(read)
  const [name] = missing
  if (name !== undefined) throw notResumable(checkpoint.folder, `${file} does not hold ${name} in its shape`)
}
