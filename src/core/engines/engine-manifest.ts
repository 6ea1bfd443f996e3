// What an engine's folder must hold, written last of all when it was made: every file with its size and SHA-256.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { engineId } from '#shared/devices.ts'
import { count, timeMs } from '#shared/fields.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import { sha256File, writeNewFile } from '../system/durable-files.ts'
import { readKept } from '../system/kept-json.ts'
import type { EnginePack } from './engine-packs.ts'

const manifestName = 'manifest.json'
/** Ours has a few dozen files in it. */
const mostManifestBytes = 1 << 20
/** An empty file beside the list, where bytes were found to be others. */
const markName = 'damaged'

const engineManifest = z.strictObject({
  id: engineId,
  version: z.string(),
  addedAtMs: timeMs,
  /** By their paths below the engine's folder, with "/". */
  files: z.record(z.string(), z.strictObject({ sizeBytes: count, sha256: z.string().length(64) })),
})
export type EngineManifest = z.output<typeof engineManifest>

/** Of all files that are in the folder now. */
export async function writeManifest(
  folder: string,
  { id, version }: Pick<EnginePack, 'id' | 'version'>,
  known: ReadonlyMap<string, string> = new Map(),
): Promise<EngineManifest> {
  const files: EngineManifest['files'] = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const { size } = await lstat(path)
    const sha256 = known.get(path) ?? (await sha256File(path))
    files[relative(folder, path).replaceAll(sep, '/')] = { sizeBytes: size, sha256 }
  }
  const manifest: EngineManifest = { id, version, addedAtMs: Date.now(), files }
  const text = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)
  await writeNewFile(join(folder, manifestName), [text])
  return manifest
}

/** null where everything is there, of its size and of the version that this program uses; else what is wrong. */
export async function engineDamage(folder: string, pack: EnginePack): Promise<Problem | null> {
  const listed = await listedFiles(folder, pack)
  if (!listed.ok) return listed.problem
  const isMarked = (await lstat(join(folder, markName)).catch(() => null)) !== null
  return isMarked ? damaged(pack, 'Reading every byte found other content than when it was fetched.') : null
}

/** As `engineDamage`, every byte read. What it finds stays marked until the engine is replaced, or found whole again. */
export async function engineDamageByHash(
  folder: string,
  pack: EnginePack,
  { onBytes = () => {}, signal }: ReadTools = {},
): Promise<Problem | null> {
  const listed = await listedFiles(folder, pack)
  if (!listed.ok) return listed.problem
  const files = Object.entries(listed.value)
  const totalBytes = files.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0)
  let doneBytes = 0
  const onChunk = (bytes: number): void => {
    doneBytes += bytes
    onBytes(doneBytes, totalBytes)
  }
  const mark = join(folder, markName)
  for (const [name, { sha256 }] of files) {
    const found = await hashOf(join(folder, name), onChunk, signal)
    if (found === sha256) continue
    if (found === null) return damaged(pack, `${name} cannot be read.`)
    // Where it cannot be written the answer is the same, and only the list does not know.
    await writeFile(mark, '', { flag: 'wx' }).catch(() => {})
    return damaged(pack, `${name} has other content than when it was fetched.`)
  }
  await rm(mark, { force: true }).catch(() => {})
  return null
}

export interface ReadTools {
  onBytes?(doneBytes: number, totalBytes: number): void
  readonly signal?: AbortSignal | undefined
}

/** null where it cannot be read. Throws only where it was stopped. */
async function hashOf(
  path: string,
  onChunk: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
      hash.update(chunk as Uint8Array)
      onChunk((chunk as Uint8Array).byteLength)
    }
  } catch {
    signal?.throwIfAborted()
    return null
  }
  return hash.digest('hex')
}

/** The list is a file that anything may have written: believed only as far as it says what the pack's facts say. */
async function listedFiles(folder: string, pack: EnginePack): Promise<Result<EngineManifest['files']>> {
  const place = await lstat(folder).catch(() => null)
  if (place?.isSymbolicLink()) return fail(damaged(pack, 'It is a link, not a folder of ours.'))
  if (!place?.isDirectory()) return fail(damaged(pack, 'It is not a folder.'))
  const manifest = await readManifest(folder)
  const wrong =
    manifest === null
      ? 'Its list of files is missing or cannot be read.'
      : (wrongList(manifest, pack) ?? (await wrongFile(folder, manifest)))
  return wrong === null && manifest !== null ? ok(manifest.files) : fail(damaged(pack, wrong ?? ''))
}

async function readManifest(folder: string): Promise<EngineManifest | null> {
  const path = join(folder, manifestName)
  const found = await lstat(path).catch(() => null)
  // A pipe would be waited for without end.
  return found?.isFile() && found.size <= mostManifestBytes ? readKept(path, engineManifest) : null
}

function wrongList({ id, version, files }: EngineManifest, pack: EnginePack): string | null {
  if (id !== pack.id) return `Its list of files is that of ${id}.`
  if (version !== pack.version) return `It is of version ${version}; this program uses ${pack.version}.`
  const outside = Object.keys(files).find((name) => !isBelow(name))
  if (outside !== undefined) return `Its list of files names ${outside}, which is none of its files.`
  for (const { place, sizeBytes } of pack.wheels.flatMap(({ members }) => members)) {
    const listed = files[place]
    if (listed === undefined) return `${place} is not in its list of files.`
    if (listed.sizeBytes !== sizeBytes)
      return `${place} is listed with ${listed.sizeBytes} bytes; it was published with ${sizeBytes}.`
  }
  return null
}

const isBelow = (name: string): boolean =>
  !/[\\:\0]/.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

async function wrongFile(folder: string, { files }: EngineManifest): Promise<string | null> {
  for (const [name, { sizeBytes }] of Object.entries(files)) {
    const stat = await lstat(join(folder, name)).catch(() => null)
    if (stat === null) return `${name} is missing.`
    if (!stat.isFile()) return `${name} is not a file.`
    if (stat.size !== sizeBytes) return `${name} has ${stat.size} bytes instead of ${sizeBytes}.`
  }
  return null
}

const damaged = ({ id, name }: EnginePack, what: string): Problem => ({
  code: 'engine.damaged',
  message: `${name} is damaged. ${what}`,
  where: `engines/${id}`,
  remedy: `Add it again, under “Settings” or with: tunewright engines add ${id}. Until then runs are computed with what comes with the program.`,
})
