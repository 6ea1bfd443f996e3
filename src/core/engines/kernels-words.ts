// Whether the TensorFlow engine computes with our own operators, for a person.
import { canBuildKernels } from './kernels-build.ts'
import { type KernelsState, kernelsStateOf } from './tensorflow-kernels.ts'

const again = 'tunewright engines add tensorflow (nothing is fetched again)'

/** A sentence, or two; `couldNotBuild`: why the last build failed, just now. */
export function kernelsWords(engineFolder: string, couldNotBuild: string | null = null): string {
  const state = kernelsStateOf(engineFolder)
  if (state.kind === 'used') return "It computes with Tunewright's own operators."
  return `It computes without Tunewright's own operators, and so more slowly: ${reasonOf(state, couldNotBuild)}`
}

type Without = Exclude<KernelsState, { kind: 'used' }>

function reasonOf(state: Without, couldNotBuild: string | null): string {
  switch (state.kind) {
    case 'processor':
      return 'they need a processor with AVX2, FMA, F16C and BMI2.'
    case 'untried':
      return `they were not tried out with it yet. Measuring this computer does that, and so does: ${again}.`
    case 'refused':
      return `they were tried out and failed here. ${state.why} They are tried again by: ${again}.`
    case 'missing':
      if (couldNotBuild !== null) return `they could not be built here. ${couldNotBuild}`
      return canBuildKernels()
        ? `they are not built here, or damaged. They are built by: ${again}.`
        : 'this copy of Tunewright came without them, or they are damaged. Install it again from its package for this system.'
  }
}
