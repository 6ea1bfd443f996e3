// Which of several graphics cards a run computes on: runs at the same time take different ones.
import type { GraphicsCard } from '#shared/contract/devices.ts'
import type { DeviceId } from '#shared/devices.ts'
import { whyNotCuda } from './graphics-cards-words.ts'

/** Where a person set it, the process sees only what they chose, and nothing is chosen here. */
export const isChosenByPerson = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  environment.CUDA_VISIBLE_DEVICES !== undefined

/**
 * Numbers, from 0, of the cards that this device can be told to take one of and that can compute what it needs; none where
 * there is nothing to choose: the others take what the system gives.
 */
export function cardsOf(
  device: DeviceId,
  cards: readonly GraphicsCard[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly number[] {
  if (device.includes('cuda')) {
    // CUDA counts the cards that its driver runs, in the order of the bus.
    const counted = cards.filter(({ vendor, driver }) => vendor === 'nvidia' && driver !== null)
    if (counted.length < 2 || isChosenByPerson(environment)) return []
    return [...counted.keys()].filter((card) => whyNotCuda([counted[card]!], device) === null)
  }
  // Which number DirectML gives to which card is not known, so numbers are used among equals only.
  const areEqual = new Set(cards.map(({ name }) => name)).size === 1
  return device === 'onnx-directml' && areEqual && cards.length > 1 ? [...cards.keys()] : []
}

/**
 * Of these cards the one with the fewest runs on it, the lowest number of those; one of `avoided` only where there is no
 * other. Undefined where there is nothing to choose.
 */
export function nextCard(
  cards: readonly number[],
  inUse: readonly number[],
  avoided: readonly number[] = [],
): number | undefined {
  const burden = (card: number): number =>
    inUse.filter((used) => used === card).length + (avoided.includes(card) ? inUse.length + 1 : 0)
  const [first, ...others] = cards
  if (first === undefined) return undefined
  return others.reduce((best, card) => (burden(card) < burden(best) ? card : best), first)
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
      const numbers = cardsOf(device, cards)
      const given = before === undefined && first !== null && numbers.includes(first) ? first : undefined
      const card = given ?? nextCard(numbers, [...places.values()], before === undefined ? [] : [before])
      if (card !== undefined) places.set(runId, card)
      return card
    },
    leave: (runId) => void places.delete(runId),
  }
}
