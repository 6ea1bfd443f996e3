// What a processor can do, by what Linux says of it.

/** `flags`: the text of /proc/cpuinfo. Others compute bfloat16 too, but slower than float32. */
export const hasFastBfloat16 = (flags: string): boolean => /\b(avx512_bf16|amx_bf16)\b/.test(flags)

/** Whether TensorFlow computes with our own operators here: they are compiled for AVX2 with FMA, F16C and BMI2, and above. */
export const hasKernelsFor = (flags: string): boolean =>
  ['avx2', 'fma', 'f16c', 'bmi2'].every((each) => new RegExp(`\\b${each}\\b`).test(flags))
