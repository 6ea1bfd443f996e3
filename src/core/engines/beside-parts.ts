// What an engine needs beside the published libraries: the binding through which Node calls TensorFlow, or onnxruntime-node
// itself, which looks for its card libraries where it lies. A packed program brings the binding ready made; in a clone of
// the sources it is built from those of @tensorflow/tfjs-node-gpu.
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { ProblemError } from '#shared/result.ts'
import { programRoot, resourcePath } from '../system/program-places.ts'
import { hasCloneScript, runCloneScript } from './clone-script.ts'
import { type EnginePack, tensorflowVersion } from './engine-packs.ts'

/** Where a packed program has the binding for a system; scripts/package.ts puts it there. */
export const bindingResource = (system: string): string =>
  resourcePath('engines', system.replace(' ', '-'), `tfjs_binding-${tensorflowVersion}.node`)

/** Below the engine's folder. */
export const bindingPlace = 'lib/napi-v8/tfjs_binding.node'

const buildScript = 'build-tensorflow-binding.ts'

const shipped = (): string => bindingResource(`${process.platform} ${process.arch}`)

/** Members of the TensorFlow wheels that only building needs, and where they go below the engine's folder. */
const header = /^tensorflow\/include\/((tensorflow\/(c|core\/platform|tsl)|tsl|xla\/tsl)\/.*\.h)$/

export interface BesideParts {
  /** A member of the wheels that is needed for a while; null for the others. */
  placeOf(member: string): string | null
  /** Puts the parts in place; what was needed for a while is gone afterwards. Throws ProblemError. */
  make(folder: string, signal: AbortSignal): Promise<void>
}

/** Before anything is fetched: throws ProblemError where the parts cannot be had here. */
export function besideParts({ beside, id }: Pick<EnginePack, 'beside' | 'id'>): BesideParts {
  if (beside === 'onnxruntime-node') return { placeOf: () => null, make: copyRuntime }
  if (existsSync(shipped()))
    return { placeOf: () => null, make: (folder) => put(shipped(), join(folder, bindingPlace)) }
  if (hasCloneScript(buildScript)) {
    requireBuildTools(id)
    return {
      placeOf: (member) => {
        const path = header.exec(member)?.[1]
        return path === undefined ? null : `deps/include/${path}`
      },
      make: buildBinding,
    }
  }
  throw new ProblemError({
    code: 'engine.not-offered',
    message: 'This copy of Tunewright came without the part that connects it with TensorFlow.',
    where: id,
    remedy: 'Install Tunewright again from its package for this system, or train with what comes with it.',
    details: `missing: ${shipped()}`,
  })
}

/** What node-gyp starts: each by the name that the variable gives, else by the first that is found. */
const buildTools = [
  { name: 'make', variable: 'MAKE', programs: ['make', 'gmake'] },
  { name: 'a C++ compiler (g++)', variable: 'CXX', programs: ['g++'] },
  { name: 'Python 3', variable: 'PYTHON', programs: ['python3', 'python'] },
] as const

function requireBuildTools(id: string): void {
  const missing = buildTools.filter(({ variable, programs }) => {
    const named = process.env[variable]?.trim()
    return !(named ? [named.split(/\s+/)[0] ?? ''] : programs).some(isProgram)
  })
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  throw new ProblemError({
    code: 'backend.failed',
    message: `The part that connects Tunewright with TensorFlow cannot be built here: missing are ${names}. Nothing was fetched.`,
    where: id,
    remedy: `Install ${names}, then add it again; a packed Tunewright needs none of them.`,
  })
}

function isProgram(name: string): boolean {
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Read whole: a packed program's own files lie in an archive, which only reading sees through. */
async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await writeFile(to, await readFile(from), { flag: 'wx' })
}

const nativeFolder = join('onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch)

/** Only what is needed to be found and loaded from the engine's folder. */
async function copyRuntime(folder: string): Promise<void> {
  const modules = join(programRoot, 'node_modules')
  const target = join(folder, 'node_modules')
  for (const name of ['onnxruntime-common', 'onnxruntime-node'])
    await put(join(modules, name, 'package.json'), join(target, name, 'package.json'))
  for (const part of [
    join('onnxruntime-common', 'dist', 'cjs'),
    join('onnxruntime-node', 'dist'),
    nativeFolder,
  ])
    await putAll(join(modules, part), join(target, part))
}

async function putAll(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { recursive: true })) {
    const path = join(from, name)
    if (/\.(d\.ts|map)$/.test(name) || !(await stat(path)).isFile()) continue
    await put(path, join(to, name))
  }
}

async function buildBinding(folder: string, signal: AbortSignal): Promise<void> {
  const words = await runCloneScript(buildScript, [folder], signal)
  signal.throwIfAborted()
  await rm(join(folder, 'deps', 'include'), { recursive: true, force: true })
  if (words === null) return
  throw new ProblemError({
    code: 'backend.failed',
    message: 'The part that connects Tunewright with TensorFlow could not be built from its sources.',
    where: 'node-gyp',
    remedy:
      'Install Python 3, a C++ compiler and make, then add TensorFlow again; a packed Tunewright needs none of them.',
    details: words,
  })
}
