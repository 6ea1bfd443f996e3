// What a graphics card's runtime says when it fails, as Problems of their own: a run goes on by their code (core/training).
// The texts are those of ONNX Runtime, TensorFlow, CUDA, Direct3D 12, Dawn and Vulkan. Pure.
import { ProblemError } from '#shared/result.ts'

/** Asked before `lost`: a card that has no memory left may call itself lost in the same message. */
const outOfMemory: readonly RegExp[] = [
  // ONNX Runtime's arena, for every provider.
  /Failed to allocate memory for requested buffer/,
  // CUDA, by its number (cudaErrorMemoryAllocation is 2), its name and its libraries'.
  /CUDA failure 2\b/,
  /CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|CU(?:BLAS|DNN|SOLVER)_STATUS_ALLOC_FAILED/,
  /CUDA out of memory|out of memory trying to allocate/i,
  // TensorFlow.
  /OOM when allocating|RESOURCE_EXHAUSTED|Resource exhausted/,
  // Vulkan and Dawn.
  /VK_ERROR_OUT_OF_(?:DEVICE|HOST)_MEMORY|VK_ERROR_TOO_MANY_OBJECTS|ErrorType::OutOfMemory/,
  /out of memory.*(?:buffer|device|GPU)|(?:buffer|device|GPU).*out of memory/i,
  // Direct3D: E_OUTOFMEMORY, DXGI_ERROR_... of a video memory that is full.
  /\b8007000E\b|E_OUTOFMEMORY|Not enough memory resources are available/i,
  // Metal.
  /kIOGPUCommandBufferCallbackErrorOutOfMemory|Insufficient Memory/,
]

const lost: readonly RegExp[] = [
  // DXGI_ERROR_DEVICE_REMOVED, _HUNG, _RESET, _DRIVER_INTERNAL_ERROR.
  /\b(?:0x)?887A00(?:05|06|07|20)\b|DXGI_ERROR_(?:DEVICE_REMOVED|DEVICE_HUNG|DEVICE_RESET|DRIVER_INTERNAL_ERROR)/i,
  /GPU device instance has been suspended|GPU will not respond to more commands/,
  // Dawn and Vulkan.
  /VK_ERROR_DEVICE_LOST|Device (?:is|was) lost|DeviceLost|device lost/i,
  // CUDA: 4 driver shutting down, 46 devices unavailable, 214 uncorrectable memory fault, 700 illegal address, 702 launch
  // timed out, 710 to 719 launch failed, 999 unknown: after each of them the process can use the card no more.
  /CUDA failure (?:4|46|214|700|702|71\d|999)\b/,
  /CUDA_ERROR_(?:LAUNCH_FAILED|LAUNCH_TIMEOUT|ILLEGAL_ADDRESS|ILLEGAL_INSTRUCTION|ECC_UNCORRECTABLE|HARDWARE_STACK_ERROR|CONTEXT_IS_DESTROYED|DEINITIALIZED|DEVICE_UNAVAILABLE|SYSTEM_NOT_READY|UNKNOWN)/,
  // TensorFlow.
  /failed to synchronize|could not synchronize on CUDA context|GPU sync failed|Unexpected Event status/i,
  // Metal.
  /kIOGPUCommandBufferCallbackError(?:Hang|SubmissionsIgnored|InnocentVictim|Timeout)|Caused GPU (?:Hang|Timeout) Error/,
]

/**
 * The Problem that a runtime's failure is, device.lost or device.out-of-memory, or null for a failure that is not of the
 * card. `where`: what was being done, e.g. 'running the model'.
 */
export function deviceFault(error: unknown, where: string): ProblemError | null {
  const details = error instanceof Error ? error.message : String(error)
  if (outOfMemory.some((pattern) => pattern.test(details)))
    return new ProblemError({
      code: 'device.out-of-memory',
      message: 'The graphics card has too little memory left for this step.',
      where,
      remedy:
        'Use fewer or shorter rows at once, recompute activations, or close other programs that draw with the card.',
      details,
    })
  if (lost.some((pattern) => pattern.test(details)))
    return new ProblemError({
      code: 'device.lost',
      message: 'The graphics card stopped answering.',
      where,
      remedy:
        'Go on from the last checkpoint. If it happens again, restart the computer or update the driver.',
      details,
    })
  return null
}
