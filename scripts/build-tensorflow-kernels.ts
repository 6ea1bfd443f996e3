// Builds our own operators for TensorFlow (src/backends/tensorflow/kernels) with g++ 11 or newer, into FILE, and beside it
// what says that it is whole and of which sources: `node scripts/build-tensorflow-kernels.ts FOLDER FILE`, where FOLDER has
// TensorFlow's libraries in deps/lib. Of TensorFlow it needs no header and of the library only its name. Started by
// src/core/engines, in a clone only; its last line says why it failed.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { kernelsSources } from '../src/core/engines/kernels-build.ts'
import { writeKernelsFacts } from '../src/core/engines/tensorflow-kernels.ts'
import { renameDurably, sweepTemporary, temporaryPath } from '../src/core/system/durable-files.ts'

const sources = resolve(import.meta.dirname, '../src/backends/tensorflow/kernels')

/** One table of kernels for each family of processors; the operators choose when they are loaded. */
const families: Readonly<Record<string, readonly string[]>> = {
  'family-avx2': ['-mavx2', '-mfma', '-mf16c', '-mbmi2'],
  'family-avx512': ['-march=x86-64-v4', '-mprefer-vector-width=512'],
  'family-avx512-bf16': ['-march=x86-64-v4', '-mavx512bf16', '-mprefer-vector-width=512'],
}

/** Warnings are shown and no errors: a newer compiler's new one must not take the operators from anybody. */
const always = [
  ...['-std=c++17', '-O3', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-ignored-attributes'],
  // g++ 12 takes its own headers of AVX-512 for uninitialised.
  ...['-Wno-uninitialized', '-Wno-maybe-uninitialized'],
]

// The system's libstdc++ (GCC 11's), which the binding needs anyway: with one of its own the file would need glibc 2.36
// for the sake of unused parts, so it needs 2.34, as Ubuntu 22.04 and RHEL 9 have.
const linking = ['-pthread', '-s']

const compiler = process.env.CXX?.trim() || 'g++'
/** The oldest that knows x86-64-v4. */
const leastCompiler = 11

/** Throws where the compiler is too old, or is none. */
function requireCompiler(): void {
  const { stdout, error } = spawnSync(compiler, ['-dumpversion'], { encoding: 'utf8' })
  const found = error ? 'there is none' : `${compiler} is version ${stdout.trim()}`
  if (!(Number.parseInt(stdout ?? '', 10) >= leastCompiler))
    throw new Error(`They need the C++ compiler g++, version ${leastCompiler} or newer: ${found}.`)
}

function run(parameters: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(compiler, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.once('error', failed)
    child.once('close', (code) =>
      code === 0 ? done() : failed(new Error(`${compiler} ended with ${code}.`)),
    )
  })
}

/** Whatever is older than an hour was left by a build that was killed. */
const untouchedMs = 3_600_000

async function build(folder: string, file: string): Promise<void> {
  requireCompiler()
  mkdirSync(dirname(file), { recursive: true })
  await sweepTemporary(dirname(file), untouchedMs)
  const madeFrom = kernelsSources()
  const work = temporaryPath(file)
  mkdirSync(work)
  try {
    const all = readdirSync(sources)
      .filter((name) => name.endsWith('.cpp'))
      .map((name) => basename(name, '.cpp'))
      .sort()
    const objectOf = (name: string): string => join(work, `${name}.o`)
    const compiled = all.map((name) =>
      run([...always, ...(families[name] ?? []), '-c', join(sources, `${name}.cpp`), '-o', objectOf(name)]),
    )
    const failed = (await Promise.allSettled(compiled)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    const made = join(work, 'made.node')
    const library = join(folder, 'deps/lib/libtensorflow_framework.so.2')
    await run(['-shared', '-o', made, ...all.map(objectOf), library, ...linking])
    await renameDurably(made, file)
    await writeKernelsFacts(file, madeFrom)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const [folder, file] = process.argv.slice(2)
try {
  if (folder === undefined || file === undefined)
    throw new Error('Name the folder and the file: node scripts/build-tensorflow-kernels.ts FOLDER FILE')
  await build(resolve(folder), resolve(file))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
