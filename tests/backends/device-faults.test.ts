// Failures of graphics cards, in the words that their runtimes were seen to use.
import { expect, test } from 'vitest'
import { deviceFault } from '#backends/device-faults.ts'

const codeOf = (text: string): string | null => deviceFault(new Error(text), 'a step')?.problem.code ?? null

const node = 'Non-zero status code returned while running MatMul node. Status Message:'

test.each([
  `${node} /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) Failed to allocate memory for requested buffer of size 2830172160`,
  'CUDA failure 2: out of memory ; GPU=0 ; hostname=ws ; file=cuda_allocator.cc ; line=48 ; expr=cudaMalloc((void**)&p, size);',
  `CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0`,
  'OOM when allocating tensor with shape[6272,1024] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
  'RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1073741824 bytes.',
  'failed to allocate 4.00GiB from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
  'vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY\n    at CheckVkOOMThenSuccessImpl',
  'DmlCommittedResourceAllocator.cpp(22) Exception(7) tid(cf0) 8007000E Not enough memory resources are available to complete this operation.',
])('out of memory: %s', (text) => {
  expect(codeOf(text)).toBe('device.out-of-memory')
})

test.each([
  'ExecutionProvider.cpp(962) Exception(3) tid(5a68) 887A0005 The GPU device instance has been suspended. Use GetDeviceRemovedReason to determine the appropriate action.',
  'DmlGraphFusionHelper.cpp(1078) ... 887A0006 The GPU will not respond to more commands, most likely because of an invalid command passed by the calling application.',
  'DXGI_ERROR_DEVICE_RESET',
  'vkQueueSubmit failed with VK_ERROR_DEVICE_LOST\n    at CheckVkSuccessImpl',
  '[Device] is lost. Device is lost. - While calling [Queue].Submit',
  'CUDA failure 719: unspecified launch failure ; GPU=0 ; expr=cudaStreamSynchronize(static_cast<cudaStream_t>(GetHandle()));',
  'CUDA failure 999: unknown error ; GPU=0',
  'failed to synchronize the stop event: CUDA_ERROR_LAUNCH_FAILED',
  'could not synchronize on CUDA context: CUDA_ERROR_ILLEGAL_ADDRESS :: No stack trace available',
  'GPU sync failed',
])('lost: %s', (text) => {
  expect(codeOf(text)).toBe('device.lost')
})

test.each([
  `${node} matmul_helper.h:61 Compute MatMul dimension mismatch`,
  'CUDA failure 1: invalid argument ; GPU=0',
  'CUDA failure 200: device kernel image is invalid',
  'Protobuf parsing failed.',
  'Got invalid dimensions for input: ids',
])('neither: %s', (text) => {
  expect(codeOf(text)).toBeNull()
})

test('the Problem says what was being done, and keeps the words of the runtime', () => {
  const problem = deviceFault('VK_ERROR_DEVICE_LOST', 'running the model')?.problem
  expect(problem).toMatchObject({ where: 'running the model', details: 'VK_ERROR_DEVICE_LOST' })
  expect(problem?.remedy).toMatch(/checkpoint/)
})
