// The places that runs and trials take on this computer: one on the processor, one on each graphics card. Pure.
import type { GraphicsCard } from '#shared/contract/index.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { cardsOf } from '../devices/graphics-cards-in-use.ts'

export type Slot = 'processor' | `card ${number}`

/** A place, and what a trainer on it is told: null where there is nothing to choose. */
export interface Place {
  readonly slot: Slot
  readonly card: number | null
}

/** Places of which this device takes one. What the system gives, where there is nothing to choose, counts as the first card. */
export function placesOf(device: DeviceId, cards: readonly GraphicsCard[]): readonly Place[] {
  if (deviceFacts[device].hardware === 'processor') return [{ slot: 'processor', card: null }]
  const numbers = cardsOf(device, cards)
  if (numbers.length === 0) return [{ slot: 'card 0', card: null }]
  return numbers.map((card) => ({ slot: `card ${card}`, card }))
}
