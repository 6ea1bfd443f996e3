// An engine of a few megabytes with facts of its own, served by an index on this computer, and a library to add it to.
// What comes beside its files is the real onnxruntime-node; its self-test is the caller's.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EnginePack, enginePack } from '#core/engines/engine-packs.ts'
import { type InstallTools, installEngine } from '#core/engines/install-engine.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { ok, type Result } from '#shared/result.ts'
import { sha256 } from '../../support/fake-hub.ts'
import { type FakeIndex, wheelOf } from '../../support/fake-index.ts'

export const tinyWheelName = 'tiny_engine-1.0-py3-none-any.whl'

export interface TinyEngine {
  readonly pack: EnginePack
  readonly wheel: Buffer
}

/** Its one library is as random as a real one is to a compressor. */
export function makeTinyEngine(libraryBytes = 2_000_000): TinyEngine {
  const library = randomBytes(libraryBytes)
  const wheel = wheelOf('tiny-engine', '1.0', { 'tiny/libtiny.so': library })
  const pack: EnginePack = {
    ...enginePack('onnx-cuda'),
    systems: [`${process.platform} ${process.arch}`],
    wheels: [
      {
        name: 'tiny-engine',
        version: '1.0',
        pipOptions: ['--only-binary=:all:', '--no-cache-dir'],
        wheel: { name: tinyWheelName, sizeBytes: wheel.length, sha256: sha256(wheel) },
        members: [{ member: 'tiny/libtiny.so', place: 'cuda/libtiny.so', sizeBytes: libraryBytes }],
      },
    ],
  }
  return { pack, wheel }
}

/** pip asks this index and nobody else. Gives back what undoes it. */
export function useIndex(url: string): () => void {
  const before = { ...process.env }
  Object.assign(process.env, { PIP_INDEX_URL: url, PIP_CONFIG_FILE: '/dev/null', PIP_RETRIES: '0' })
  delete process.env.PIP_FIND_LINKS
  delete process.env.PIP_EXTRA_INDEX_URL
  return () => {
    process.env = before
  }
}

export const serve = (index: FakeIndex, { wheel }: TinyEngine): void => {
  index.files.set(tinyWheelName, wheel)
}

const homes: string[] = []
export function freshLibrary(folder?: string): Library {
  const home = folder ?? mkdtempSync(join(tmpdir(), 'tunewright-engines-'))
  homes.push(home)
  return openLibrary(home)
}
export const removeHomes = (): void => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true })
}

export const placesIn = ({ enginesFolder, cacheFolder }: Library) => ({
  folder: join(enginesFolder, 'onnx-cuda'),
  downloads: join(cacheFolder, 'downloads', 'onnx-cuda-tiny'),
})

export interface Told {
  readonly phase: string
  readonly done: number
  readonly total: number
}

export function addTiny(
  { pack }: TinyEngine,
  library: Library,
  changes: Partial<InstallTools> & { readonly files?: readonly string[]; readonly told?: Told[] } = {},
): Promise<Result<string | null>> {
  const { files, told, ...tools } = changes
  return installEngine(
    pack,
    placesIn(library),
    {
      signal: new AbortController().signal,
      tell: (phase, done = 0, total = 0) => void told?.push({ phase, done, total }),
      openNetwork: () => {},
      requireAtRest: () => {},
      selfTest: async () => ok(null),
      ...tools,
    },
    files,
  )
}

/** What is left besides whole engines: nothing, where all went well. */
export function leftovers({ enginesFolder, cacheFolder }: Library): string[] {
  const downloads = join(cacheFolder, 'downloads')
  return [
    ...readdirSync(enginesFolder).filter((name) => name !== 'onnx-cuda'),
    ...(existsSync(downloads) ? readdirSync(downloads, { recursive: true }).map(String) : []),
  ]
}

export const hasEngine = ({ enginesFolder }: Library): boolean => existsSync(join(enginesFolder, 'onnx-cuda'))
