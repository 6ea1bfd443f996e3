// Brings TensorFlow into a cache outside the repository, once, for tests and benchmarks: as `tunewright engines add
// tensorflow` brings it into a library (src/core/engines, docs/devices.md). Where this is not possible the tests that need
// it are left out with a notice.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { enginePack, tensorflowVersion } from '../src/core/engines/engine-packs.ts'
import { installEngine } from '../src/core/engines/install-engine.ts'
import { tryEngine } from '../src/core/engines/try-engine.ts'
import { createNodeLauncher } from '../src/core/system/launcher.ts'
import { openLibrary } from '../src/core/system/library.ts'
import { describeProblem, type Result } from '../src/shared/result.ts'
import { tensorflowFolder } from './tensorflow-folder.ts'

/** Nothing is done where it is there already. */
export async function fetchTensorflow(): Promise<Result<unknown>> {
  if (existsSync(tensorflowFolder)) return { ok: true, value: undefined }
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
}
