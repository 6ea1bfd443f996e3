// What a plan takes of a graphics card's own memory, beside what that has, in sentences. A card is no reason to refuse a run:
// where its memory is not enough, the run goes on with fewer rows at once (docs/devices.md). Pure.
import type { GraphicsCard } from '#shared/contract/devices.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import type { Recipe } from '#shared/recipe.ts'
import { formatBytes } from '#shared/units.ts'
import type { DeviceChoice } from '../devices/choose-device.ts'
import { memoryFactorOf } from '../devices/device-speed.ts'
import { isChosenByPerson } from '../devices/graphics-cards-in-use.ts'
import { whyNotCuda } from '../devices/graphics-cards-words.ts'
import type { MemoryPlan } from './memory-plan.ts'

export interface PlanOnCard {
  readonly choice: Pick<DeviceChoice, 'device' | 'figure'>
  readonly modelId: string
  /** As planned for the device. */
  readonly memory: Pick<MemoryPlan, 'total' | 'program' | 'weights'>
  readonly base: Recipe['method']['base']
  /** Of a value in the model's own file: 4, or 2 for half precision. */
  readonly bytesPerValue: number
  readonly cards: readonly GraphicsCard[]
  readonly environment?: Readonly<Record<string, string | undefined>>
}

interface CardWithMemory {
  readonly name: string
  readonly memoryBytes: number
}

/** None on a processor, and where it is not known which card computes, or what memory that has of its own. */
export function cardMemorySentences(plan: PlanOnCard): string[] {
  const { choice, cards, environment = process.env } = plan
  const card = cardOf(choice.device, cards, environment)
  if (card === null) return []
  const measured = measuredShare(plan)
  const bytes =
    measured === null ? plannedBytes(plan) : measured * (plan.memory.total / memoryFactorOf(choice.figure))
  const how = measured === null ? 'reckoned, not measured here' : 'by what was measured here with this model'
  const has = formatBytes(card.memoryBytes)
  if (bytes <= card.memoryBytes)
    return [`It takes about ${formatBytes(bytes)} of the ${has} that ${card.name} has (${how}).`]
  return [
    `It would take about ${formatBytes(bytes)} of the memory of ${card.name}, which has ${has} (${how}). Where the card runs out of it, the run goes on by itself with fewer rows at once, then on another device, which may be much slower. Fewer rows at once (batch.rowsAtOnce), shorter rows (batch.maxTokens) or a base in 4 bits (method.base) take less.`,
  ]
}

/**
 * The one with the least memory of those that a run may be put on. Null where that cannot be told: WebGPU, DirectML and Core
 * ML do not say which of unlike cards they take, and a person's own choice of cards is not read.
 */
function cardOf(
  device: DeviceId,
  cards: readonly GraphicsCard[],
  environment: Readonly<Record<string, string | undefined>>,
): CardWithMemory | null {
  if (deviceFacts[device].hardware !== 'graphics') return null
  const isCuda = device.includes('cuda')
  const usable = isCuda
    ? cards.filter((card) => card.vendor === 'nvidia' && whyNotCuda([card], device) === null)
    : cards
  const isToldApart = isCuda && !isChosenByPerson(environment)
  if (!isToldApart && new Set(usable.map(({ name }) => name)).size > 1) return null
  const known = usable.flatMap(({ name, memoryBytes }) =>
    memoryBytes === null ? [] : [{ name, memoryBytes }],
  )
  const [first, ...others] = known
  if (first === undefined || known.length < usable.length) return null
  return others.reduce((least, card) => (card.memoryBytes < least.memoryBytes ? card : least), first)
}

/** Of a step's plan the card took so many times as much, with this model; null where that was not measured. */
function measuredShare({ choice: { figure }, modelId }: PlanOnCard): number | null {
  if (figure === null || figure.modelId !== modelId || !figure.devicePeakBytes) return null
  return figure.devicePeakBytes / figure.plannedBytes
}

/**
 * All that is planned but the program's own; `program` holds what the device's factor adds, so the rest is unscaled. WebGPU
 * holds weights of half precision as float32.
 */
function plannedBytes({ choice, memory, base, bytesPerValue }: PlanOnCard): number {
  const isWidened = choice.device === 'onnx-webgpu' && base === 'float' && bytesPerValue < 4
  return memory.total - memory.program + (isWidened ? memory.weights : 0)
}
