// Our own operators for TensorFlow (src/backends/tensorflow/kernels): where they lie, whether their file is whole, and
// whether an engine computes with them. They belong to the program, not to the engine that was fetched: the graphs that
// name them are written by this program. A packed program brings them ready made; in a clone they are built
// (kernels-build.ts). They are loaded only where they were tried out before (kernels-trial.ts): what is damaged or does
// not fit this computer could end the process that loads it.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readKept, writeKept } from '../system/kept-json.ts'
import { describeMachine, hasKernelInstructions } from '../system/machine.ts'
import { resourcePath, unpackedPath } from '../system/program-places.ts'

/** Counts what changes between operators and the graphs that name them: a file of another one is never loaded. */
export const kernelsVersion = 1

/** Where a program for a system, e.g. "linux x64", has them. */
export const kernelsResource = (system: string): string =>
  unpackedPath(resourcePath('engines', system.replace(' ', '-'), `tunewright_kernels-${kernelsVersion}.node`))

/** That of this program. */
export const ownKernels = kernelsResource(`${process.platform} ${process.arch}`)

const sha256 = z.string().length(64)

/** What stands beside the file, written after it: a file without it, or with another's, is not whole. */
const kernelsFacts = z.strictObject({ sha256, sources: sha256 })

export const kernelsFactsPath = (file: string): string => file.replace(/\.node$/, '.json')

export interface WholeKernels {
  readonly file: string
  readonly sha256: string
  /** Of the sources that it was built from. */
  readonly sources: string
}

/** null where there is no file, or where it is not byte for byte what was built. */
export function wholeKernels(file: string = ownKernels): WholeKernels | null {
  const facts = readKept(kernelsFactsPath(file), kernelsFacts)
  try {
    return facts !== null && sha256Of(file) === facts.sha256 ? { file, ...facts } : null
  } catch {
    return null
  }
}

/** The whole file of this program, tried out or not; null where there is none. For tests and benchmarks. */
export const findKernels = (): string | null => wholeKernels()?.file ?? null

/** Throws a ProblemError where the disk is full or fails. */
export const writeKernelsFacts = (file: string, sources: string): Promise<void> =>
  writeKept(kernelsFactsPath(file), { sha256: sha256Of(file), sources })

const sha256Of = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Whether an engine computes with them, and why not. */
export type KernelsState =
  | { readonly kind: 'used'; readonly kernels: WholeKernels }
  | { readonly kind: 'untried'; readonly kernels: WholeKernels }
  | { readonly kind: 'refused'; readonly kernels: WholeKernels; readonly why: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'processor' }

/** In the engine's folder, none of its listed files: it changes with the program. */
const trialPath = (engineFolder: string): string => join(engineFolder, 'kernels-trial.json')

/** Of one file on one processor; `failure` null where it computed right. */
const kernelsTrial = z.strictObject({
  kernels: sha256,
  processor: z.string(),
  failure: z.string().nullable(),
})

/** `engineFolder`: of the TensorFlow engine for processors. */
export function kernelsStateOf(engineFolder: string, file: string = ownKernels): KernelsState {
  if (!hasKernelInstructions()) return { kind: 'processor' }
  const kernels = wholeKernels(file)
  if (kernels === null) return { kind: 'missing' }
  const trial = readKept(trialPath(engineFolder), kernelsTrial)
  if (trial?.kernels !== kernels.sha256 || trial.processor !== describeMachine().processor)
    return { kind: 'untried', kernels }
  return trial.failure === null ? { kind: 'used', kernels } : { kind: 'refused', kernels, why: trial.failure }
}

/** Throws a ProblemError where the disk is full or fails. */
export const keepKernelsTrial = (
  engineFolder: string,
  { sha256: kernels }: WholeKernels,
  failure: string | null,
): Promise<void> =>
  writeKept(trialPath(engineFolder), { kernels, processor: describeMachine().processor, failure })

/** The file that an engine computes with; null: TensorFlow's own operators compute, more slowly. */
export function kernelsFor(engineFolder: string): string | null {
  const state = kernelsStateOf(engineFolder)
  return state.kind === 'used' ? state.kernels.file : null
}
