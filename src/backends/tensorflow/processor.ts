// Which products a processor is fast in, by what it says of itself.
import { hasFastBfloat16 } from '#shared/processor-flags.ts'
import type { Products } from './emitter.ts'

/** `flags`: the text of /proc/cpuinfo, or '' where there is none. */
export const fastProducts = (flags: string): Products => (hasFastBfloat16(flags) ? 'bfloat16' : 'float32')
