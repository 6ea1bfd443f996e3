// Where checkpoints lie, what their manifest says and how errors of the file system are told: shared by the writer
// (checkpoints.ts) and the reader (checkpoint-search.ts).
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { asDiskProblem } from '../system/durable-files.ts'

export const checkpointsFolderOf = (runFolder: string): string => join(runFolder, 'checkpoints')

export const manifestName = 'manifest.json'
export const stateName = 'state.json'

export const manifestSchema = z.strictObject({
  format: z.literal('tunewright-checkpoint'),
  version: z.literal(1),
  step: z.int().nonnegative(),
  /** Every other file of the folder. Plain names only: a manifest cannot point elsewhere. */
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z][a-z0-9-]*\.(json|safetensors)$/),
      sizeBytes: z.int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
})

export type CheckpointManifest = z.infer<typeof manifestSchema>

/** Numbers, or codes of one byte, bit for bit. */
export interface CheckpointTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint8Array
}

/** A checkpoint by its folder's name. */
export interface SavedStep {
  readonly folder: string
  readonly step: number
}

/** Checkpoint folders, newest step first. Other names, temporary ones too, are not looked at. */
export async function listCheckpoints(parent: string): Promise<SavedStep[]> {
  const names = await readdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  return names
    .flatMap((folder) => {
      const step = /^step-(\d{6,})-[0-9a-f-]{36}$/.exec(folder)?.[1]
      return step === undefined ? [] : [{ folder, step: Number(step) }]
    })
    .sort((a, b) => b.step - a.step || (a.folder < b.folder ? 1 : -1))
}

/** Any error of the operating system as a disk Problem; null for everything else, which is a bug. */
export function diskProblemOf(error: unknown, path: string): ProblemError | null {
  const known = asDiskProblem(error, path)
  if (known instanceof ProblemError) return known
  if (typeof (error as NodeJS.ErrnoException | null)?.code !== 'string') return null
  const plain = asDiskProblem(Object.assign(new Error(String(error)), { code: 'EIO' }), path)
  return plain instanceof ProblemError ? plain : null
}

/** Runs file work; an error of the operating system becomes a disk Problem, a bug keeps flying. */
export async function diskAttempt<T>(path: string, work: () => Promise<T>): Promise<Result<T>> {
  return attemptAsync(async () => {
    try {
      return await work()
    } catch (error) {
      throw diskProblemOf(error, path) ?? error
    }
  })
}
