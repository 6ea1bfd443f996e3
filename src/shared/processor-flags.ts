// What a processor can do, by what Linux says of it.

/** `flags`: the text of /proc/cpuinfo. Others compute bfloat16 too, but slower than float32. */
export const hasFastBfloat16 = (flags: string): boolean => /\b(avx512_bf16|amx_bf16)\b/.test(flags)
