// Which products a processor is fast in, by what it says of itself.
import type { Products } from './emitter.ts'

/** `flags`: the text of /proc/cpuinfo, or '' where there is none. Others compute bfloat16 too, but slower than float32. */
export const fastProducts = (flags: string): Products =>
  /\b(avx512_bf16|amx_bf16)\b/.test(flags) ? 'bfloat16' : 'float32'
