// Which of several graphics cards a run computes on: runs at the same time take different ones.
import type { GraphicsCard } from '#shared/contract/devices.ts'
import type { DeviceId } from '#shared/devices.ts'

/** Cards that this device can be told to take one of, by their numbers from 0; the others take what the system gives. */
export function cardsOf(device: DeviceId, cards: readonly GraphicsCard[]): number {
  if (device.includes('cuda'))
    return cards.filter(({ vendor, driver }) => vendor === 'nvidia' && driver !== null).length
  // Which number DirectML gives to which card is not known, so numbers are used among equals only.
  const areEqual = new Set(cards.map(({ name }) => name)).size === 1
  return device === 'onnx-directml' && areEqual ? cards.length : 0
}

/**
 * The card with the fewest runs on it, the lowest number of those; one of `avoided` only where there is no other.
 * Undefined where there is nothing to choose.
 */
export function nextCard(
  cards: number,
  inUse: readonly number[],
  avoided: readonly number[] = [],
): number | undefined {
  if (cards < 2) return undefined
  const burden = (card: number): number =>
    inUse.filter((used) => used === card).length + (avoided.includes(card) ? inUse.length + 1 : 0)
  const all = Array.from({ length: cards }, (_, card) => card)
  return all.reduce((best, card) => (burden(card) < burden(best) ? card : best))
}

export interface CardPlaces {
  /** The card for the next attempt of a run: `first` for its first one, then another one than before, where that is free. */
  take(
    runId: string,
    device: DeviceId,
    cards: readonly GraphicsCard[],
    first?: number | null,
  ): number | undefined
  leave(runId: string): void
}

/** Remembers which run is on which card. */
export function createCardPlaces(): CardPlaces {
  const places = new Map<string, number>()
  return {
    take(runId, device, cards, first = null) {
      const before = places.get(runId)
      places.delete(runId)
      const count = cardsOf(device, cards)
      const given = before === undefined && first !== null && count > 1 ? first : undefined
      const card = given ?? nextCard(count, [...places.values()], before === undefined ? [] : [before])
      if (card !== undefined) places.set(runId, card)
      return card
    },
    leave: (runId) => void places.delete(runId),
  }
}
