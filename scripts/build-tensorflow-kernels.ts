// Builds our own operators for TensorFlow (src/backends/tensorflow/kernels) with g++ 12 or newer, into FILE:
// `node scripts/build-tensorflow-kernels.ts FOLDER FILE`, where FOLDER has TensorFlow's libraries in deps/lib. Of TensorFlow
// it needs no header and of the library only its name. Started by src/core/engines, in a clone only.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

const sources = resolve(import.meta.dirname, '../src/backends/tensorflow/kernels')

/** One table of kernels for each family of processors; the operators choose when they are loaded. */
const families: Readonly<Record<string, readonly string[]>> = {
  'family-avx2': ['-mavx2', '-mfma', '-mf16c', '-mbmi2'],
  'family-avx512': ['-march=x86-64-v4', '-mprefer-vector-width=512'],
  'family-avx512-bf16': ['-march=x86-64-v4', '-mavx512bf16', '-mprefer-vector-width=512'],
}

const always = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-ignored-attributes',
]
// g++ 12 takes its own headers of AVX-512 for uninitialised.
const quiet = ['-Wno-uninitialized', '-Wno-maybe-uninitialized']

function run(parameters: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.env.CXX?.trim() || 'g++', parameters, {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child.once('error', failed)
    child.once('close', (code) => (code === 0 ? done() : failed(new Error(`g++ ended with ${code}.`))))
  })
}

async function build(folder: string, file: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  const work = mkdtempSync(join(dirname(file), 'building-'))
  const objectOf = (name: string): string => join(work, `${name}.o`)
  try {
    const all = readdirSync(sources)
      .filter((name) => name.endsWith('.cpp'))
      .map((name) => basename(name, '.cpp'))
      .sort()
    const compiled = all.map((name) =>
      run([
        ...always,
        ...quiet,
        ...(families[name] ?? []),
        '-c',
        join(sources, `${name}.cpp`),
        '-o',
        objectOf(name),
      ]),
    )
    const failed = (await Promise.allSettled(compiled)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    const made = join(work, 'made.node')
    const library = join(folder, 'deps/lib/libtensorflow_framework.so.2')
    const linking = ['-pthread', '-static-libstdc++', '-static-libgcc', '-Wl,--exclude-libs,ALL', '-s']
    await run(['-shared', '-o', made, ...all.map(objectOf), library, ...linking])
    renameSync(made, file)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const [folder, file] = process.argv.slice(2)
if (folder === undefined || file === undefined) {
  process.stderr.write('Name the folder and the file: node scripts/build-tensorflow-kernels.ts FOLDER FILE\n')
  process.exitCode = 2
} else await build(resolve(folder), resolve(file))
