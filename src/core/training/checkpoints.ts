// Checkpoints of a run: written whole or not at all, chosen only if every byte verifies, pruned but never overwritten.
// It does not know what a state means: that is the trainer's.
import { randomUUID } from 'node:crypto'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type SafetensorsInput, safetensorsChunks } from '#formats/safetensors.ts'
import type { Problem, Result } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import {
  fsyncFolder,
  renameDurably,
  sweepTemporary,
  temporaryPath,
  writeFolderDurably,
  writeNewFile,
} from '../system/durable-files.ts'
import {
  type CheckpointManifest,
  type CheckpointTensor,
  checkpointsFolderOf,
  diskAttempt,
  listCheckpoints,
  manifestName,
  type SavedStep,
  stateName,
} from './checkpoint-format.ts'

export interface CheckpointContent {
  readonly step: number
  /** Written as state.json. Numbers come back bit for bit (JSON keeps every float64 but NaN and infinities). */
  readonly state: unknown
  /** Files of tensors by file name, e.g. 'parameters.safetensors'. */
  readonly tensorFiles: ReadonlyMap<string, ReadonlyMap<string, CheckpointTensor>>
}

export interface WrittenCheckpoint {
  /** Name of the folder inside the checkpoints folder; never used twice. */
  readonly folder: string
  readonly manifestSha256: string
  readonly bytes: number
}

/** Makes the checkpoints folder of a run, and removes what an interrupted save or removal left there. */
export async function prepareCheckpoints(runFolder: string): Promise<Result<string[]>> {
  const folder = checkpointsFolderOf(runFolder)
  return diskAttempt(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await fsyncFolder(runFolder)
    return sweepTemporary(folder)
  })
}

/** The bytes that a checkpoint of this content takes, within a few kilobytes for headers and state. */
export function estimateCheckpointBytes(content: CheckpointContent): number {
  let bytes = 64_000
  for (const tensors of content.tensorFiles.values())
    for (const [name, { data }] of tensors) bytes += data.byteLength + 2 * name.length + 100
  return bytes
}

/**
 * Saves under a temporary name, fsyncs every file, writes the manifest last, renames, fsyncs the parent. When it
 * resolves the checkpoint survives a power cut; when it fails the ones before are untouched and nothing is left over.
 * Problems: disk.full (with the bytes needed and free), disk.failed.
 */
export async function writeCheckpoint(
  runFolder: string,
  content: CheckpointContent,
): Promise<Result<WrittenCheckpoint>> {
  const parent = checkpointsFolderOf(runFolder)
  const name = `step-${String(content.step).padStart(6, '0')}-${randomUUID()}`
  const result = await diskAttempt(join(parent, name), async () => {
    await sweepTemporary(parent)
    return writeFolderDurably(join(parent, name), (folder) => fillCheckpoint(folder, content))
  })
  if (result.ok) return { ok: true, value: { folder: name, ...result.value } }
  if (result.problem.code !== 'disk.full') return result
  return { ok: false, problem: await withBytesNeeded(result.problem, parent, content) }
}

async function fillCheckpoint(
  folder: string,
  content: CheckpointContent,
): Promise<{ manifestSha256: string; bytes: number }> {
  const files: { name: string; sizeBytes: number; sha256: string }[] = []
  const state = new TextEncoder().encode(JSON.stringify(content.state))
  files.push({ name: stateName, ...(await writeNewFile(join(folder, stateName), [state])) })
  for (const [name, tensors] of content.tensorFiles)
    files.push({ name, ...(await writeNewFile(join(folder, name), tensorChunks(tensors))) })
  const manifest: CheckpointManifest = {
    format: 'tunewright-checkpoint',
    version: 1,
    step: content.step,
    files,
  }
  const text = new TextEncoder().encode(JSON.stringify(manifest, null, 1))
  const { sha256, sizeBytes } = await writeNewFile(join(folder, manifestName), [text])
  return { manifestSha256: sha256, bytes: files.reduce((sum, file) => sum + file.sizeBytes, sizeBytes) }
}

/** Tensors as a safetensors file, straight from memory. This computer is little-endian, as the format is. */
export function tensorChunks(tensors: ReadonlyMap<string, CheckpointTensor>): AsyncGenerator<Uint8Array> {
  const inputs: SafetensorsInput[] = [...tensors].map(([name, { shape, data }]) => ({
    name,
    dtype: data instanceof Float32Array ? 'F32' : 'U8',
    shape,
    read: () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }))
  return safetensorsChunks(inputs, { format: 'pt' })
}

async function withBytesNeeded(
  problem: Problem,
  folder: string,
  content: CheckpointContent,
): Promise<Problem> {
  const needed = estimateCheckpointBytes(content)
  const free = await statfs(folder).then(
    (disk) => formatBytes(Number(disk.bavail) * Number(disk.bsize)),
    () => 'an unknown amount',
  )
  return {
    ...problem,
    message: `The disk is full: saving step ${content.step} needs ${formatBytes(needed)}, free is ${free}. Training waits, and what was saved before is untouched.`,
    remedy: `Free at least ${formatBytes(needed)} on this disk, then resume. A search resumes by itself.`,
  }
}

/**
 * Removes older checkpoints so that those of the `keepLast` highest steps up to `currentStep` stay, and one that the journal
 * is known to hold, `journaledStep` being how far it does: after a power cut those further on are not gone on from. Where
 * there is none yet, the first one stays. Each holds the best adapter too, so the best is never pruned. A folder is renamed away first: half a removal never looks like a checkpoint.
 * Failing to remove is no failure of the run: what is left is tried again next time. Returns what was removed.
 */
export async function pruneCheckpoints(
  runFolder: string,
  keepLast: number,
  currentStep: number,
  journaledStep = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const parent = checkpointsFolderOf(runFolder)
  const removed: string[] = []
  try {
    const past = (await listCheckpoints(parent)).filter(({ step }) => step <= currentStep)
    const steps = [...new Set(past.map(({ step }) => step))]
    const safe = steps.find((step) => step <= journaledStep) ?? steps.at(-1)
    const keptSteps = new Set([...steps.slice(0, keepLast), safe])
    for (const { folder, step } of past) {
      if (keptSteps.has(step)) continue
      await removeFolder(join(parent, folder))
      removed.push(folder)
    }
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error
  }
  return removed
}

async function removeFolder(path: string): Promise<void> {
  const doomed = temporaryPath(path)
  await renameDurably(path, doomed)
  await rm(doomed, { recursive: true, force: true })
}

/**
 * Removes these, the furthest first. Where one cannot be removed the run must not go on: it would pass its step, and could
 * go on from it later. Problems: disk.full, disk.failed.
 */
export async function removeAhead(runFolder: string, ahead: readonly SavedStep[]): Promise<Result<void>> {
  const parent = checkpointsFolderOf(runFolder)
  return diskAttempt(parent, async () => {
    for (const { folder } of ahead) await removeFolder(join(parent, folder))
  })
}

/**
 * Removes all of a run's checkpoints. A run that never began has none of its own: after going back to a backup a search
 * decides its next trial anew, and its folder may hold those of another trial under the same name. Failing is no failure
 * of the run: what is left is not gone on from.
 */
export async function removeCheckpoints(runFolder: string): Promise<void> {
  await rm(checkpointsFolderOf(runFolder), { recursive: true, force: true }).catch(() => {})
}
