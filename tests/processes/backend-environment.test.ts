// What a process that computes finds in its environment.
import { afterEach, expect, test, vi } from 'vitest'
import { backendEnvironment, prepareEnvironment } from '../../src/processes/backend-environment.ts'

afterEach(() => vi.unstubAllEnvs())

test('of several cards a CUDA process sees the one that it was given, by its number on the bus', () => {
  for (const device of ['tensorflow-cuda', 'tensorflow-cuda-bf16', 'onnx-cuda'] as const)
    expect(backendEnvironment(device, 2, 1)).toMatchObject({
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      CUDA_VISIBLE_DEVICES: '1',
    })
  expect(backendEnvironment('tensorflow-cuda', 2)).not.toHaveProperty('CUDA_VISIBLE_DEVICES')
  expect(backendEnvironment('onnx-directml', 2, 1)).not.toHaveProperty('CUDA_VISIBLE_DEVICES')
})

test('cards that a person has chosen are left as they are', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '3')
  prepareEnvironment('tensorflow-cuda', 2, 1)
  expect(process.env.CUDA_VISIBLE_DEVICES).toBe('3')
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined)
  prepareEnvironment('tensorflow-cuda', 2, 1)
  expect(process.env.CUDA_VISIBLE_DEVICES).toBe('1')
})
