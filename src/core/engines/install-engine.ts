// Brings an engine: fetched or given by hand, checked, unpacked, tried out, and only then under its own name. What is
// stopped at any moment, by a person or by kill -9, leaves either no engine or a whole one.
import { mkdir, rm, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { claimFolder, releaseFolder } from '../models/temporary-owner.ts'
import { extractMembers } from '../models/zip-members.ts'
import { asDiskProblem, fsyncFolder, renameDurably, temporaryPath } from '../system/durable-files.ts'
import { besideParts } from './beside-parts.ts'
import { discardFolder, isThere, offerProblem } from './engine-library.ts'
import { engineDamageByHash, writeManifest } from './engine-manifest.ts'
import { diskBytes, type EnginePack, type PackWheel } from './engine-packs.ts'
import { engineBusy } from './engine-use.ts'
import { chosenWheels, type FetchTools, fetchWheels, requireFree, requirePackWheel } from './engine-wheels.ts'

export interface InstallPlaces {
  /** Where the engine's folder will be: its last name is the engine's. */
  readonly folder: string
  /** Whole files wait here for the next try. */
  readonly downloads: string
}

export interface InstallTools extends FetchTools {
  /** Tries the engine out: `enginesFolder` has it, and it alone, under its own name. Gives back what could not be tried. */
  selfTest(enginesFolder: string, signal: AbortSignal): Promise<Result<string | null>>
  /** Called at the start and before a damaged one gives way; throws where something uses it. */
  requireAtRest(): void | Promise<void>
}

/**
 * An engine that is there and whole, every byte of it read, is left as it is, without any network use. Returns what of a new one could not be tried out,
 * as a sentence. Problems: engine.not-offered, engine.busy,
 * download.*, file.unsafe, disk.*, backend.failed, and what the self-test says.
 */
export function installEngine(
  pack: EnginePack,
  places: InstallPlaces,
  tools: InstallTools,
  files: readonly string[] = [],
): Promise<Result<string | null>> {
  return attemptAsync(async () => {
    const notOffered = offerProblem(pack)
    if (notOffered !== null) throw new ProblemError(notOffered)
    if (await isWhole(places.folder, pack, tools)) return null
    if (await isThere(places.folder)) await tools.requireAtRest()
    try {
      return await inClaimedFolder(places.downloads, pack, async () => {
        const beside = besideParts(pack)
        await mkdir(dirname(places.folder), { recursive: true, mode: 0o700 })
        const given = files.length > 0 ? await chosenWheels(pack, files) : null
        const wheels = given ?? (await fetchWheels(pack, places.downloads, tools))
        return putTogether(pack, { places, tools, wheels, beside })
      })
    } catch (error) {
      tools.signal.throwIfAborted()
      throw asDiskProblem(error, places.folder)
    }
  }).catch((error: unknown) => {
    if (tools.signal.aborted) return stopped(pack)
    throw error
  })
}

async function isWhole(folder: string, pack: EnginePack, { signal, tell }: InstallTools): Promise<boolean> {
  if (!(await isThere(folder))) return false
  const onBytes = (done: number, total: number): void => tell(`Checking ${pack.name}`, done, total)
  return (await engineDamageByHash(folder, pack, { onBytes, signal })) === null
}

const stopped = ({ name, id }: EnginePack): Result<never> => ({
  ok: false,
  problem: {
    code: 'proof.cancelled',
    message: `${name} was not added, because this was stopped.`,
    where: `engines/${id}`,
    remedy: 'Start it again whenever you like; files that were fetched whole are kept.',
  },
})

const aliveEveryMs = 60_000

/** `work` while no other Tunewright adds this engine. Its downloads go when it is done, and stay where it failed. */
async function inClaimedFolder<T>(folder: string, pack: EnginePack, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (!(await claimFolder(folder)))
    throw new ProblemError(engineBusy(pack.id, `Another Tunewright is adding ${pack.name}`))
  // A long download changes nothing directly in the folder: whoever looks sees that somebody is at it by this.
  const sign = setInterval(() => void utimes(folder, new Date(), new Date()).catch(() => {}), aliveEveryMs)
  try {
    const done = await work()
    await rm(folder, { recursive: true, force: true })
    return done
  } catch (error) {
    await releaseFolder(folder)
    throw error
  } finally {
    clearInterval(sign)
  }
}

interface Together {
  readonly places: InstallPlaces
  readonly tools: InstallTools
  /** In the order of the pack. */
  readonly wheels: readonly string[]
  readonly beside: ReturnType<typeof besideParts>
}

async function putTogether(
  pack: EnginePack,
  { places, tools, wheels, beside }: Together,
): Promise<string | null> {
  const { signal, tell, selfTest } = tools
  const stage = temporaryPath(places.folder)
  const folder = join(stage, pack.id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const sign = setInterval(() => void utimes(stage, new Date(), new Date()).catch(() => {}), aliveEveryMs)
  try {
    await claimFolder(stage)
    await requireFree(pack, stage, diskBytes(pack))
    const hashes = await unpackWheels(pack, { folder, tools, wheels, beside })
    tell('Connecting it with Tunewright')
    await beside.make(folder, signal)
    tell('Trying it out')
    const untried = unwrap(await selfTest(stage, signal))
    signal.throwIfAborted()
    tell(untried === null ? 'Keeping it' : `Keeping it. ${untried}`)
    await writeManifest(folder, pack, hashes)
    await fsyncFolder(folder)
    if (await isThere(places.folder)) {
      await tools.requireAtRest()
      await discardFolder(places.folder)
    }
    await renameDurably(folder, places.folder)
    return untried
  } finally {
    clearInterval(sign)
    await rm(stage, { recursive: true, force: true }).catch(() => {})
  }
}

interface Unpacking extends Omit<Together, 'places'> {
  readonly folder: string
}

/** Gives back the hashes of what was written, by path. */
async function unpackWheels(
  pack: EnginePack,
  { folder, tools: { signal, tell }, wheels, beside }: Unpacking,
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  const total = diskBytes(pack) - pack.besideBytes
  let done = 0
  const onBytes = (bytes: number): void => {
    signal.throwIfAborted()
    done += bytes
    tell(`Unpacking ${pack.name}`, done, total)
  }
  // Told before the first bytes come: the wheel is read once more for its hash, and nothing is being fetched any more.
  tell(`Unpacking ${pack.name}`, 0, total)
  for (const [index, wheel] of pack.wheels.entries()) {
    const path = wheels[index] ?? ''
    await requirePackWheel(path, wheel, pack)
    const places = new Map(wheel.members.map(({ member, place }) => [member, place]))
    const written = await extractMembers(
      path,
      (member) => {
        const place = places.get(member) ?? beside.placeOf(member)
        return place === null ? null : join(folder, place)
      },
      { onBytes, ratio: Number.POSITIVE_INFINITY },
    )
    requireMembers(wheel, folder, new Map(written.map((one) => [one.path, one.sizeBytes])))
    for (const one of written) hashes.set(one.path, one.sha256)
  }
  return hashes
}

/** The table of an engine says what its wheels hold; a table that errs is a fault of ours. */
function requireMembers(
  { wheel, members }: PackWheel,
  folder: string,
  sizes: ReadonlyMap<string, number>,
): void {
  for (const { member, place, sizeBytes } of members) {
    const found = sizes.get(join(folder, place))
    if (found !== sizeBytes)
      throw new Error(`${wheel.name} has ${member} with ${found ?? 'no'} bytes, not with ${sizeBytes}`)
  }
}
