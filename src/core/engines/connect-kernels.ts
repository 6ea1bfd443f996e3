// Our own operators for the TensorFlow engine that is here: built where that is needed, and tried out. It works without them,
// more slowly.
import { type Problem, ProblemError } from '#shared/result.ts'
import type { DevicePorts } from '../devices/ask-speedometer.ts'
import type { JobTools } from '../system/jobs.ts'
import { engineFolder } from './engine-library.ts'
import { buildKernels, needKernelsBuild } from './kernels-build.ts'
import { tryKernels } from './kernels-trial.ts'
import { kernelsWords } from './kernels-words.ts'
import { kernelsFor } from './tensorflow-kernels.ts'

/**
 * Those that failed before are tried again. Returns that it computes without them, and why, which is the last phase too;
 * null where it computes with them. Throws ProblemError: proof.cancelled, those of a full disk.
 */
export async function connectKernels(
  ports: DevicePorts,
  { signal, tell }: Pick<JobTools, 'signal' | 'tell'>,
): Promise<string | null> {
  const folder = engineFolder(ports.library, 'tensorflow')
  let couldNotBuild: string | null = null
  try {
    if (needKernelsBuild()) {
      tell("Building Tunewright's own operators")
      couldNotBuild = await buildKernels(folder, signal)
      signal.throwIfAborted()
    }
    tell("Trying Tunewright's own operators out")
    await tryKernels(ports, signal, { isAgain: true })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (signal.aborted) throw new ProblemError(stopped)
  if (kernelsFor(folder) !== null) return null
  const words = kernelsWords(folder, couldNotBuild)
  tell(`It is here. ${words}`)
  return words
}

const stopped: Problem = {
  code: 'proof.cancelled',
  message:
    "TensorFlow is here and works. Tunewright's own operators, which make it faster, were not added to it, because this was stopped.",
  where: 'engines/tensorflow',
  remedy: 'Add it again whenever you like: nothing is fetched again.',
}
