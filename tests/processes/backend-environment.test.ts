// What a process that computes finds in its environment.
import { expect, test } from 'vitest'
import { backendEnvironment } from '../../src/processes/backend-environment.ts'

test('of several cards a CUDA process sees the one that it was given, by its number on the bus', () => {
  for (const device of ['tensorflow-cuda', 'tensorflow-cuda-bf16', 'onnx-cuda'] as const)
    expect(backendEnvironment(device, 2, 1)).toMatchObject({
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      CUDA_VISIBLE_DEVICES: '1',
    })
  expect(backendEnvironment('tensorflow-cuda', 2)).not.toHaveProperty('CUDA_VISIBLE_DEVICES')
  expect(backendEnvironment('onnx-directml', 2, 1)).not.toHaveProperty('CUDA_VISIBLE_DEVICES')
})
