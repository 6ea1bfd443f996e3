// Builds our own operators for TensorFlow in a clone of the sources, with g++: a packed program brings them ready made.
// Without them TensorFlow computes all the same, more slowly, so a build that fails is a sentence and no Problem.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprintOfSources } from '../system/code-fingerprint.ts'
import { programRoot } from '../system/program-places.ts'
import { hasCloneScript, runCloneScript } from './clone-script.ts'
import { ownKernels, wholeKernels } from './tensorflow-kernels.ts'

const buildScript = 'build-tensorflow-kernels.ts'

/** SHA-256 of all that the file is made from: the sources, and the script that says how. Only in a clone. */
export function kernelsSources(): string {
  const folder = join(programRoot, 'src', 'backends', 'tensorflow', 'kernels')
  const script = readFileSync(join(programRoot, 'scripts', buildScript), 'utf8')
  return createHash('sha256').update(fingerprintOfSources(folder)).update(script).digest('hex')
}

/** In a clone. */
export const canBuildKernels = (): boolean => hasCloneScript(buildScript)

/** Whether they can be built here and are not, or from other sources than those that are here. */
export const needKernelsBuild = (file: string = ownKernels): boolean =>
  canBuildKernels() && wholeKernels(file)?.sources !== kernelsSources()

/**
 * `engineFolder` has TensorFlow's libraries. Where they are built already nothing is done. Returns why they could not be
 * built, else null. Killed or stopped at any moment it leaves the file of before, or none, or a whole new one; two at once
 * make the same one.
 */
export async function buildKernels(
  engineFolder: string,
  signal: AbortSignal,
  file: string = ownKernels,
): Promise<string | null> {
  if (!needKernelsBuild(file)) return null
  const words = await runCloneScript(buildScript, [engineFolder, file], signal)
  return words === null ? null : (words.split('\n').at(-1) ?? words)
}
