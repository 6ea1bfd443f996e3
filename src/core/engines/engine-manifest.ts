// What an engine's folder must hold, written last of all when it was made: every file with its size and SHA-256.
import { lstat, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { engineId } from '#shared/devices.ts'
import { count, timeMs } from '#shared/fields.ts'
import type { Problem } from '#shared/result.ts'
import { sha256File, writeNewFile } from '../system/durable-files.ts'
import { readKept } from '../system/kept-json.ts'
import type { EnginePack } from './engine-packs.ts'

const manifestName = 'manifest.json'

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
  const manifest = readKept(join(folder, manifestName), engineManifest)
  if (manifest === null) return damaged(pack, 'Its list of files is missing or cannot be read.')
  if (manifest.version !== pack.version)
    return damaged(pack, `It is of version ${manifest.version}; this program uses ${pack.version}.`)
  for (const [name, { sizeBytes }] of Object.entries(manifest.files)) {
    const stat = await lstat(join(folder, name)).catch(() => null)
    if (stat === null) return damaged(pack, `${name} is missing.`)
    if (stat.size !== sizeBytes)
      return damaged(pack, `${name} has ${stat.size} bytes instead of ${sizeBytes}.`)
  }
  return null
}

/** As `engineDamage`, every byte read. */
export async function engineDamageByHash(
  folder: string,
  pack: EnginePack,
  onFile: (doneBytes: number, totalBytes: number) => void = () => {},
): Promise<Problem | null> {
  const found = await engineDamage(folder, pack)
  if (found !== null) return found
  const files = Object.entries(readKept(join(folder, manifestName), engineManifest)?.files ?? {})
  const totalBytes = files.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0)
  let doneBytes = 0
  for (const [name, { sizeBytes, sha256 }] of files) {
    if ((await sha256File(join(folder, name))) !== sha256)
      return damaged(pack, `${name} has other content than when it was fetched.`)
    doneBytes += sizeBytes
    onFile(doneBytes, totalBytes)
  }
  return null
}

const damaged = ({ id, name }: EnginePack, what: string): Problem => ({
  code: 'engine.damaged',
  message: `${name} is damaged. ${what}`,
  where: `engines/${id}`,
  remedy: `Add it again, under “Settings” or with: tunewright engines add ${id}. Until then runs are computed with what comes with the program.`,
})
