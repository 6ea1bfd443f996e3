// A training state as the content of a checkpoint and back. Refuses a checkpoint of another run, recipe or data.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { CheckpointTensor } from '#core/training/checkpoint-format.ts'
import { readCheckpointTensors, type VerifiedCheckpoint } from '#core/training/checkpoint-search.ts'
import type { CheckpointContent } from '#core/training/checkpoints.ts'
import type { ParameterLayout, TrainState } from '#engine/train/state.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { PreparedRows } from './prepare-rows.ts'

const parametersFile = 'parameters.safetensors'
const momentsFile = 'moments.safetensors'
const bestFile = 'best.safetensors'

const stateSchema = z.strictObject({
  version: z.literal(1),
  identity: z.strictObject({
    runId: z.string(),
    /** SHA-256 of the recipe's JSON; the recipe holds seed, settings and the hash of the base model. */
    recipeSha256: z.string(),
    /** SHA-256 of the token ids and labels of every row. */
    rowsSha256: z.string(),
    /** Name and version of the backend. It may change; the numbers then may too, in their last digits. */
    backend: z.string(),
    /** Version of Tunewright, of which the same holds. Checkpoints of its first days do not have it. */
    tunewright: z.string().optional(),
  }),
  step: z.int().nonnegative(),
  tokensSeen: z.int().nonnegative(),
  evaluatedAtStep: z.int().min(-1),
  /** Where the best parameters are those of this very step they are not written twice. */
  best: z
    .strictObject({ step: z.int(), lossNats: z.number(), file: z.enum([parametersFile, bestFile]) })
    .nullable(),
  patienceLossNats: z.number().nullable(),
  evaluationsWithoutImprovement: z.int().nonnegative(),
  ending: z.enum(['completed', 'stopped-early']).nullable(),
})

export type RunIdentity = z.infer<typeof stateSchema>['identity']

/** What a checkpoint belongs to (it is refused elsewhere), and what computes it. */
export function identityOf(
  { runId, recipe }: TrainerJob,
  rows: PreparedRows,
  software: { readonly backend: string; readonly tunewright: string },
): RunIdentity {
  const recipeSha256 = createHash('sha256').update(sortedJson(recipe)).digest('hex')
  return { runId, recipeSha256, rowsSha256: rows.sha256, ...software }
}

/** JSON with the keys of every object in one order, so that equal recipes have equal text. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** Says that other software goes on than made the checkpoint; null where it is the same. */
export function softwareNotice(saved: RunIdentity, now: RunIdentity): string | null {
  const changes = [
    ...(saved.backend === now.backend ? [] : [`from ${saved.backend} to ${now.backend}`]),
    ...(saved.tunewright === now.tunewright
      ? []
      : [
          `from ${saved.tunewright ? `Tunewright ${saved.tunewright}` : 'an earlier Tunewright'} to ${now.tunewright}`,
        ]),
  ]
  if (changes.length === 0) return null
  return `The software has changed since the checkpoint that this run goes on from (${changes.join(', ')}): its last digits may differ from those of an uninterrupted run.`
}

export function stateContent(
  state: TrainState,
  layout: ParameterLayout,
  identity: RunIdentity,
): CheckpointContent {
  const { best } = state
  const isBestNow = best !== null && best.step === state.step
  const saved: z.infer<typeof stateSchema> = {
    version: 1,
    identity,
    step: state.step,
    tokensSeen: state.tokensSeen,
    evaluatedAtStep: state.evaluatedAtStep,
    best: best && {
      step: best.step,
      lossNats: best.lossNats,
      file: isBestNow ? parametersFile : bestFile,
    },
    patienceLossNats: state.patienceLossNats,
    evaluationsWithoutImprovement: state.evaluationsWithoutImprovement,
    ending: state.ending,
  }
  const tensorFiles = new Map([
    [parametersFile, tensorsOf(layout, [['', state.parameters]])],
    [
      momentsFile,
      tensorsOf(layout, [
        ['first.', state.firstMoments],
        ['second.', state.secondMoments],
      ]),
    ],
  ])
  if (best !== null && !isBestNow) tensorFiles.set(bestFile, tensorsOf(layout, [['', best.parameters]]))
  return { step: state.step, state: saved, tensorFiles }
}

function tensorsOf(
  layout: ParameterLayout,
  parts: readonly (readonly [prefix: string, flat: Float32Array])[],
): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>()
  for (const [prefix, flat] of parts)
    for (const { name, shape, offset, length } of layout.entries)
      tensors.set(prefix + name, { shape, data: flat.subarray(offset, offset + length) })
  return tensors
}

/**
 * The state that a verified checkpoint holds. Throws ProblemError: run.not-resumable where it belongs to another run,
 * recipe or data, or holds what this version does not write.
 */
export async function readState(
  checkpoint: VerifiedCheckpoint,
  layout: ParameterLayout,
  identity: RunIdentity,
): Promise<{ readonly state: TrainState; readonly savedBy: RunIdentity }> {
  const parsed = stateSchema.safeParse(checkpoint.state)
  if (!parsed.success) throw notResumable(checkpoint.folder, 'its state is not one that this version writes')
  const saved = parsed.data
  requireSame(saved.identity, identity, checkpoint.folder)
  const parameters = await readFlat(checkpoint, parametersFile, layout, '')
  const best = saved.best && {
    step: saved.best.step,
    lossNats: saved.best.lossNats,
    parameters:
      saved.best.file === parametersFile
        ? parameters.slice()
        : await readFlat(checkpoint, bestFile, layout, ''),
  }
  const state: TrainState = {
    step: saved.step,
    tokensSeen: saved.tokensSeen,
    parameters,
    firstMoments: await readFlat(checkpoint, momentsFile, layout, 'first.'),
    secondMoments: await readFlat(checkpoint, momentsFile, layout, 'second.'),
    evaluatedAtStep: saved.evaluatedAtStep,
    best,
    patienceLossNats: saved.patienceLossNats,
    evaluationsWithoutImprovement: saved.evaluationsWithoutImprovement,
    ending: saved.ending,
  }
  return { state, savedBy: saved.identity }
}

function requireSame(saved: RunIdentity, now: RunIdentity, folder: string): void {
  const differs =
    saved.runId !== now.runId
      ? 'it belongs to another run'
      : saved.recipeSha256 !== now.recipeSha256
        ? "the run's recipe has changed since"
        : saved.rowsSha256 !== now.rowsSha256
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

async function readFlat(
  checkpoint: VerifiedCheckpoint,
  file: string,
  layout: ParameterLayout,
  prefix: string,
): Promise<Float32Array> {
  const tensors = unwrap(await readCheckpointTensors(checkpoint, file))
  const flat = new Float32Array(layout.length)
  for (const { name, shape, offset } of layout.entries) {
    const tensor = tensors.get(prefix + name)
    if (tensor?.shape.join() !== shape.join())
      throw notResumable(checkpoint.folder, `${file} does not hold ${prefix}${name} in its shape`)
    flat.set(tensor.data, offset)
  }
  return flat
}
