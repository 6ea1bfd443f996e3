// What must stand in a process's environment before TensorFlow is loaded in it. Pure: whoever starts the process, or its
// first thread, sets it.

export type Hardware = 'processor' | 'graphics'

/**
 * The runtime reads it when it is loaded, or when its first graph runs. A thread has a copy of the environment only, and
 * what it sets there does not reach the runtime.
 */
export const tensorflowEnvironment = (
  threads: number,
  hardware: Hardware,
): Readonly<Record<string, string>> => ({
  TF_CPP_MIN_LOG_LEVEL: '3',
  // oneDNN's own products, which TensorFlow takes by itself only where the processor has AVX512_VNNI or newer; without them
  // a step of float32 takes 1.4 times as long on AVX2 (docs/backends.md).
  TF_ENABLE_ONEDNN_OPTS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  TF_NUM_INTRAOP_THREADS: String(threads),
  // Memory of a card as it is needed, not all of it at the start.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  // Without this the runtime would put a processor's computation on a card where there is one.
  ...(hardware === 'processor' ? { CUDA_VISIBLE_DEVICES: '-1' } : {}),
})
