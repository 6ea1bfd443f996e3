// TensorFlow as a fetched engine of a library, for tests: the folder that scripts/fetch-tensorflow.ts filled, by links.
import { copyFileSync, existsSync, linkSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tensorflowFolder } from '../../scripts/tensorflow-folder.ts'
import { enginePack } from '../../src/core/engines/engine-packs.ts'
import { keepKernelsTrial, wholeKernels } from '../../src/core/engines/tensorflow-kernels.ts'
import { fillEngineFolder } from './engine-folder.ts'

/** False, with a notice, where TensorFlow is not here, unless TUNEWRIGHT_REQUIRE names it. */
export function hasTensorflow(): boolean {
  if (existsSync(join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node'))) return true
  const notice = `Skipped: TensorFlow is not in ${tensorflowFolder}. It is fetched by: npx node scripts/fetch-tensorflow.ts`
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('tensorflow')) throw new Error(notice)
  console.info(notice)
  return false
}

const files = [
  'lib/napi-v8/tfjs_binding.node',
  'deps/lib/libtensorflow_cc.so.2',
  'deps/lib/libtensorflow_framework.so.2',
]

/** Makes it an engine of this folder, its files not read again for their hashes, our own operators taken for tried. */
export async function linkTensorflow(enginesFolder: string): Promise<void> {
  const folder = join(enginesFolder, 'tensorflow')
  for (const name of files) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    linkOrCopy(realpathSync(join(tensorflowFolder, name)), path)
  }
  await fillEngineFolder(folder, enginePack('tensorflow'))
  const kernels = wholeKernels()
  if (kernels !== null) await keepKernelsTrial(folder, kernels, null)
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    // On another disk.
    copyFileSync(from, to)
  }
}
