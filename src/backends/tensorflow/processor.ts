// Which products a processor is fast in, by what it says of itself.
import { hasFastBfloat16 } from '#shared/processor-flags.ts'
import type { Products } from './emitter.ts'

/** `flags`: the text of /proc/cpuinfo, or '' where there is none. */
export const fastProducts = (flags: string): Products => (hasFastBfloat16(flags) ? 'bfloat16' : 'float32')

/** Whether the operators of kernels/ compute here: they are compiled for AVX2 with FMA and F16C, and above. */
export const hasKernelsFor = (flags: string): boolean =>
  ['avx2', 'fma', 'f16c', 'bmi2'].every((each) => new RegExp(`\\b${each}\\b`).test(flags))
