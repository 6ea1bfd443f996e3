// Brings TensorFlow into a cache outside the repository, once, for tests and benchmarks: as `tunewright engines add
// tensorflow` brings it into a library (src/core/engines, docs/devices.md). Where this is not possible the tests that need
// it are left out with a notice.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { enginePack, tensorflowVersion } from '../src/core/engines/engine-packs.ts'
import { installEngine } from '../src/core/engines/install-engine.ts'
import { buildKernels, needKernelsBuild } from '../src/core/engines/kernels-build.ts'
import { tryEngine } from '../src/core/engines/try-engine.ts'
import { createNodeLauncher } from '../src/core/system/launcher.ts'
import { openLibrary } from '../src/core/system/library.ts'
import { describeProblem, type Result } from '../src/shared/result.ts'
import { tensorflowFolder } from './tensorflow-folder.ts'

/**
 * With our own operators, built where they are not, or from other sources than those that are here. What is there already
 * is left as it is. Returns why the operators could not be built: TensorFlow computes without them, more slowly.
 */
export async function fetchTensorflow(): Promise<Result<string | null>> {
  const fetched = existsSync(tensorflowFolder) ? null : await fetchEngine()
  if (fetched?.ok === false) return fetched
  if (!needKernelsBuild()) return { ok: true, value: null }
  process.stderr.write("Building Tunewright's own operators for TensorFlow (once, some seconds)…\n")
  return { ok: true, value: await buildKernels(tensorflowFolder, new AbortController().signal) }
}

async function fetchEngine(): Promise<Result<unknown>> {
  process.stderr.write(
    `Fetching TensorFlow ${tensorflowVersion}, connecting it, trying it out (once, about a minute)…\n`,
  )
  const home = mkdtempSync(join(tmpdir(), 'tunewright-tensorflow-'))
  const { signal } = new AbortController()
  try {
    const ports = { library: openLibrary(home), launcher: createNodeLauncher() }
    const places = { folder: tensorflowFolder, downloads: join(dirname(tensorflowFolder), 'downloads') }
    return await installEngine(enginePack('tensorflow'), places, {
      ...{ signal, tell: () => {}, openNetwork: () => {}, requireAtRest: () => {} },
      selfTest: (enginesFolder) => tryEngine('tensorflow', enginesFolder, ports, signal),
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fetched = await fetchTensorflow()
  if (!fetched.ok)
    process.stderr.write(
      `${describeProblem(fetched.problem)}\n${fetched.problem.details ?? ''}\nNOTICE: TensorFlow could not be fetched; the tests that need it are left out.\n`,
    )
  else if (fetched.value !== null)
    process.stderr.write(
      `NOTICE: Tunewright's own operators could not be built; TensorFlow computes without them, more slowly. ${fetched.value}\n`,
    )
}
