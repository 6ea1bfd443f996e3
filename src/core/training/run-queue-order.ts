// Who gets a place next, and who stands ahead of whom. Pure.
import type { QueueKind } from './run-queue-port.ts'
import type { Slot } from './run-queue-slots.ts'

interface Named {
  readonly kind: QueueKind
  readonly id: string
}
/** Has a place. */
export interface Holder extends Named {
  readonly slot: Slot
}
/** Wants one of these places. */
export interface Waiter extends Named {
  readonly slots: readonly Slot[]
  /** It must not begin now, whoever is ahead. */
  readonly isHeld: boolean
}

/** By their entries in the journal's queue; what has none comes last, in the order in which it came. */
export function inOrderOf<W extends Named>(wishes: readonly W[], records: readonly Named[]): W[] {
  const rank = (wish: Named): number => {
    const at = records.findIndex(({ kind, id }) => kind === wish.kind && id === wish.id)
    return at < 0 ? records.length : at
  }
  return wishes
    .map((wish) => ({ wish, at: rank(wish) }))
    .sort((a, b) => a.at - b.at)
    .map(({ wish }) => wish)
}

/**
 * Places for those that can have one now, `waiting` in the order in which they go. Who is held keeps its place in the line:
 * nobody behind it takes what it could have.
 */
export function nextPlaces<W extends Waiter>(
  waiting: readonly W[],
  holders: readonly Holder[],
): { readonly waiter: W; readonly slot: Slot }[] {
  const taken = new Set(holders.map(({ slot }) => slot))
  return waiting.flatMap((waiter) => {
    const slot = waiter.slots.find((one) => !taken.has(one))
    if (slot === undefined) return []
    taken.add(slot)
    return waiter.isHeld ? [] : [{ waiter, slot }]
  })
}

/** What must end or go before this one, of what takes the same places; the same study's own trials are not ahead of it. */
export function standingAhead<W extends Waiter, H extends Holder>(
  waiter: W,
  waiting: readonly W[],
  holders: readonly H[],
): { readonly holders: readonly H[]; readonly waiting: readonly W[] } {
  const isOther = ({ kind, id }: Named): boolean => kind !== waiter.kind || id !== waiter.id
  const before = waiting
    .slice(0, waiting.indexOf(waiter))
    .filter((one) => isOther(one) && one.slots.some((slot) => waiter.slots.includes(slot)))
  const inPlace = holders.filter((one) => isOther(one) && waiter.slots.includes(one.slot))
  const free = waiter.slots.length - holders.filter(({ slot }) => waiter.slots.includes(slot)).length
  // With places to spare nobody is ahead.
  return free > before.length ? { holders: [], waiting: [] } : { holders: inPlace, waiting: before }
}
