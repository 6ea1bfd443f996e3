// TensorFlow as a fetched engine of a library, for tests: the folder that scripts/fetch-tensorflow.ts filled, by links.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { tensorflowFolder } from '../../scripts/tensorflow-folder.ts'

/** False, with a notice, where TensorFlow is not here, unless TUNEWRIGHT_REQUIRE names it. */
export function hasTensorflow(): boolean {
  if (existsSync(join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node'))) return true
  const notice = `Skipped: TensorFlow is not in ${tensorflowFolder}. It is fetched by: npx node scripts/fetch-tensorflow.ts`
  if (process.env.TUNEWRIGHT_REQUIRE?.includes('tensorflow')) throw new Error(notice)
  console.info(notice)
  return false
}

/** Makes it an engine of this folder. */
export function linkTensorflow(enginesFolder: string): void {
  const folder = join(enginesFolder, 'tensorflow')
  mkdirSync(folder, { recursive: true })
  for (const name of ['lib', 'deps']) symlinkSync(join(tensorflowFolder, name), join(folder, name))
}
