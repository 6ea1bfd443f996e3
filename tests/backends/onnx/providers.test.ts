// What ONNX Runtime is told of the card that it shall take.
import { expect, test } from 'vitest'
import { sessionSettings } from '../../../src/backends/onnx/session.ts'

test('of several cards DirectML takes the one that it was given; providers without numbers are told none', () => {
  const providersOf = (...[provider, card]: [Parameters<typeof sessionSettings>[2], number?]) =>
    sessionSettings(1, null, provider, card).executionProviders
  expect(providersOf('directml', 1)).toEqual([{ name: 'dml', deviceId: 1 }])
  expect(providersOf('directml')).toEqual([{ name: 'dml', deviceId: 0 }])
  expect(providersOf('webgpu', 1)).toEqual(providersOf('webgpu'))
  expect(providersOf('cpu', 1)).toEqual([{ name: 'cpu' }])
})
