// What ONNX Runtime is told of the card that it shall take.
import { expect, test } from 'vitest'
import { sessionSettings } from '../../../src/backends/onnx/session.ts'

test('of several cards CUDA and DirectML take the one that they were given; providers without numbers are told none', () => {
  const providersOf = (...[provider, card]: [Parameters<typeof sessionSettings>[2], number?]) =>
    sessionSettings(1, null, provider, card).executionProviders
  expect(providersOf('directml', 1)).toEqual([{ name: 'dml', deviceId: 1 }])
  expect(providersOf('directml')).toEqual([{ name: 'dml', deviceId: 0 }])
  // Of CUDA the binding of 1.30 reads the number and nothing else: more would only look like a choice.
  expect(providersOf('cuda', 1)).toEqual([{ name: 'cuda', deviceId: 1 }])
  expect(providersOf('webgpu', 1)).toEqual(providersOf('webgpu'))
  expect(providersOf('cpu', 1)).toEqual([{ name: 'cpu' }])
})
