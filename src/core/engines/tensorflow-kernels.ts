// Where our own operators for TensorFlow lie (src/backends/tensorflow/kernels). They belong to the program, not to the
// engine that was fetched: the graphs that name them are written by this program. A packed program brings them ready made;
// in a clone they are built when TensorFlow is added.
import { existsSync } from 'node:fs'
import { resourcePath } from '../system/program-places.ts'

/** Counts what changes between operators and the graphs that name them: an older file is not loaded. */
export const kernelsVersion = 1

/** Where a program for a system, e.g. "linux x64", has them. */
export const kernelsResource = (system: string): string =>
  resourcePath('engines', system.replace(' ', '-'), `tunewright_kernels-${kernelsVersion}.node`)

/** The file for this system; null where there is none: then TensorFlow's own operators compute, more slowly. */
export function findKernels(): string | null {
  const file = kernelsResource(`${process.platform} ${process.arch}`)
  return existsSync(file) ? file : null
}
