// Finds the checkpoint that a run goes on from: the newest of which every byte verifies, never merely the newest.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { sha256File } from '../system/durable-files.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import {
  type CheckpointManifest,
  type CheckpointTensor,
  checkpointsFolderOf,
  diskAttempt,
  listCheckpoints,
  manifestName,
  manifestSchema,
  type SavedStep,
  stateName,
} from './checkpoint-format.ts'

export interface VerifiedCheckpoint {
  readonly folder: string
  /** Absolute path of the folder. */
  readonly path: string
  readonly step: number
  readonly state: unknown
}

export interface CheckpointSearch {
  readonly newest: VerifiedCheckpoint | null
  /** Newer ones that did not verify, each with the reason. They are left where they are. */
  readonly rejected: readonly { readonly folder: string; readonly reason: string }[]
  /** Those that lie too far ahead, the furthest first. They are left where they are. */
  readonly ahead: readonly SavedStep[]
}

/** Which checkpoints can be gone on from; left out, all. */
export interface SearchLimits {
  readonly lastStep?: number
  /** Asked of one that verifies. */
  readonly isAhead?: (checkpoint: VerifiedCheckpoint) => boolean
}

/** The newest checkpoint within the limits that verifies entirely: manifest, sizes and SHA-256 of every file. */
export async function findNewestCheckpoint(
  runFolder: string,
  { lastStep = Number.POSITIVE_INFINITY, isAhead = () => false }: SearchLimits = {},
): Promise<Result<CheckpointSearch>> {
  const parent = checkpointsFolderOf(runFolder)
  return diskAttempt(parent, async () => {
    const rejected: { folder: string; reason: string }[] = []
    const ahead: SavedStep[] = []
    for (const { folder, step } of await listCheckpoints(parent)) {
      const verified =
        step > lastStep ? null : await attemptAsync(() => verifyCheckpoint(join(parent, folder), folder))
      if (verified === null || (verified.ok && isAhead(verified.value))) ahead.push({ folder, step })
      else if (verified.ok) return { newest: verified.value, rejected, ahead }
      else rejected.push({ folder, reason: verified.problem.message })
    }
    return { newest: null, rejected, ahead }
  })
}

/** Throws a ProblemError (checkpoint.damaged) unless every file named by the manifest is there, byte for byte. */
async function verifyCheckpoint(path: string, folder: string): Promise<VerifiedCheckpoint> {
  const manifest = await readManifest(path, folder)
  for (const file of manifest.files) {
    const found = await stat(join(path, file.name)).catch(unlessDamaged)
    if (!found?.isFile()) throw damaged(folder, `${file.name} is missing`)
    if (found.size !== file.sizeBytes)
      throw damaged(folder, `${file.name} has ${found.size} bytes instead of ${file.sizeBytes}`)
    const sha256 = await sha256File(join(path, file.name)).catch(unlessDamaged)
    if (sha256 !== file.sha256) throw damaged(folder, `${file.name} does not match its checksum`)
  }
  if (!manifest.files.some((file) => file.name === stateName))
    throw damaged(folder, `${stateName} is missing`)
  const state: unknown = JSON.parse(await readFile(join(path, stateName), 'utf8'))
  return { folder, path, step: manifest.step, state }
}

async function readManifest(path: string, folder: string): Promise<CheckpointManifest> {
  const text = await readFile(join(path, manifestName), 'utf8').catch(unlessDamaged)
  if (text === null) throw damaged(folder, `${manifestName} is missing or unreadable`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged(folder, `${manifestName} is not complete`)
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw damaged(folder, `${manifestName} is not a manifest of this program`)
  return parsed.data
}

/**
 * Null where the file itself is at fault: the checkpoint is passed over. Any other reason (too many open files, no
 * permission) says nothing against it, and must not cost the hours since the one before.
 */
function unlessDamaged(error: NodeJS.ErrnoException): null {
  if (['ENOENT', 'ENOTDIR', 'EISDIR', 'EIO'].includes(error.code ?? '')) return null
  throw error
}

/** The Problem of a checkpoint that cannot be trusted, for `reason` such as "state.json is missing". */
export function damaged(folder: string, reason: string): ProblemError {
  return new ProblemError({
    code: 'checkpoint.damaged',
    message: `This checkpoint cannot be used: ${reason}.`,
    where: `checkpoints/${folder}`,
    remedy: 'The run goes on from the checkpoint before it; nothing needs to be done.',
  })
}

/**
 * Hands over the tensors of one file of a verified checkpoint, one after the other: a whole model's moments are not held
 * twice. Problems: checkpoint.damaged where the file is not there or holds something else.
 */
export async function readCheckpointTensors(
  checkpoint: VerifiedCheckpoint,
  name: string,
  take: (tensor: string, value: CheckpointTensor) => void,
): Promise<Result<void>> {
  return attemptAsync(async () => {
    const file = await openFileBytes(join(checkpoint.path, name))
    try {
      const header = unwrap(await readSafetensorsHeader(file))
      for (const [tensor, { dtype, shape, offsetBytes, lengthBytes }] of header.tensors) {
        if (dtype !== 'F32' && dtype !== 'U8')
          throw damaged(checkpoint.folder, `${name} holds ${dtype}, which is never written`)
        const bytes = await file.read(offsetBytes, lengthBytes)
        const data =
          dtype === 'U8' ? bytes : new Float32Array(bytes.buffer, bytes.byteOffset, lengthBytes / 4)
        take(tensor, { shape, data })
      }
    } finally {
      await file.close()
    }
  })
}
