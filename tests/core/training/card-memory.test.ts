// What a plan says of a graphics card's memory, by cards and figures that are fed.
import { expect, test } from 'vitest'
import { cardMemorySentences, type PlanOnCard } from '#core/training/card-memory.ts'
import type { GraphicsCard } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import { figureOf } from '../devices/device-figures.ts'

const card = (
  name: string,
  memoryBytes: number | null,
  changes: Partial<GraphicsCard> = {},
): GraphicsCard => ({
  ...{ name, memoryBytes, vendor: 'nvidia', driver: '590.10', computeCapability: '8.9', sentences: [] },
  ...changes,
})
const large = card('RTX 4090', 24e9)
const small = card('RTX 4060', 8e9)
const old = card('GTX 970', 4e9, { computeCapability: '5.2' })
const iris = card('Iris Xe', 1e9, { vendor: 'intel', computeCapability: null })

const said = (device: DeviceId, cards: readonly GraphicsCard[], changes: Partial<PlanOnCard> = {}): string =>
  cardMemorySentences({
    choice: { device, figure: null },
    modelId: 'm',
    memory: { total: 7e9, program: 1e9, weights: 4e9 },
    base: 'float',
    bytesPerValue: 2,
    cards,
    environment: {},
    ...changes,
  }).join(' ')

test('what is planned but the program is on the card, which is named with what it has', () => {
  expect(said('tensorflow-cuda', [large])).toBe(
    'It takes about 6.0 GB of the 24.0 GB that RTX 4090 has (reckoned, not measured here).',
  )
})

test('more than the card has is a caution with what happens then and what takes less', () => {
  const memory = { total: 10e9, program: 1e9, weights: 4e9 }
  const text = said('tensorflow-cuda', [small], { memory })
  expect(text).toMatch(/^It would take about 9\.0 GB of the memory of RTX 4060, which has 8\.0 GB \(reckoned/)
  for (const setting of ['batch.rowsAtOnce', 'batch.maxTokens', 'method.base'])
    expect(text).toContain(setting)
  expect(said('tensorflow-cuda', [small])).toMatch(/^It takes about 6\.0 GB of the 8\.0 GB/)
})

test("a measured step of this model counts, free of the processor's own factor; one of another model does not", () => {
  const measured = (modelId: string, devicePeakBytes: number | null) => ({
    choice: {
      device: 'tensorflow-cuda' as const,
      figure: figureOf(modelId, { plannedBytes: 1e9, peakBytes: 2e9, devicePeakBytes }),
    },
    memory: { total: 14e9, program: 8e9, weights: 4e9 },
  })
  expect(said('tensorflow-cuda', [large], measured('m', 1.5e9))).toMatch(
    /^It takes about 10\.5 GB .*measured here/,
  )
  for (const none of [measured('other', 1.5e9), measured('m', null), measured('m', 0)])
    expect(said('tensorflow-cuda', [large], none)).toMatch(/^It takes about 6\.0 GB .*reckoned/)
})

test('of unlike cards the smallest counts that can compute it', () => {
  expect(said('tensorflow-cuda', [large, small, old, iris])).toContain('RTX 4060')
  expect(said('tensorflow-cuda', [large, old, iris])).toContain('RTX 4090')
})

test('WebGPU holds weights of half precision as float32', () => {
  expect(said('onnx-webgpu', [large])).toMatch(/^It takes about 10\.0 GB/)
  expect(said('onnx-webgpu', [large], { bytesPerValue: 4 })).toMatch(/^It takes about 6\.0 GB/)
  expect(said('onnx-webgpu', [large], { base: 'nf4' })).toMatch(/^It takes about 6\.0 GB/)
})

test('nothing is said where nobody knows which card computes, or what it has, or where none does', () => {
  expect(said('cpu', [large])).toBe('')
  expect(said('tensorflow-cpu', [large])).toBe('')
  expect(said('onnx-webgpu', [large, iris])).toBe('')
  expect(said('onnx-coreml', [card('Apple M2', null, { vendor: 'apple' })])).toBe('')
  expect(said('tensorflow-cuda', [large, card('GB10', null)])).toBe('')
  expect(said('tensorflow-cuda', [])).toBe('')
  const environment = { CUDA_VISIBLE_DEVICES: '0' }
  expect(said('tensorflow-cuda', [large, small], { environment })).toBe('')
  expect(said('tensorflow-cuda', [small, small], { environment })).toContain('RTX 4060')
})
