// The places that runs and trials take on this computer: one on the processor, one on each graphics card. Pure.
import type { GraphicsCard } from '#shared/contract/index.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { cardsOf } from '../devices/graphics-cards-in-use.ts'

export type Slot = 'processor' | `card ${number}`

/** Places of which this device takes one. What the system gives, where there is nothing to choose, counts as the first card. */
export function slotsOf(device: DeviceId, cards: readonly GraphicsCard[]): readonly Slot[] {
  if (deviceFacts[device].hardware === 'processor') return ['processor']
  const count = Math.max(1, cardsOf(device, cards))
  return Array.from({ length: count }, (_, card): Slot => `card ${card}`)
}

/** What a trainer is told: null where there is nothing to choose. */
export function cardOf(slot: Slot, slots: readonly Slot[]): number | null {
  return slots.length < 2 ? null : Number(slot.slice('card '.length))
}
