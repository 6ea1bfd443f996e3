// What is kept, by kind, largest first; which of it may go without a loss; and what a few ticked things come to. Pure.
import type { StorageItem } from '#shared/contract/system.ts'

export interface StorageGroup {
  readonly kind: StorageItem['kind']
  readonly items: readonly StorageItem[]
  readonly bytes: number
}

export const sumBytes = (items: readonly StorageItem[]): number =>
  items.reduce((sum, { bytes }) => sum + bytes, 0)

export function groupByKind(items: readonly StorageItem[]): StorageGroup[] {
  const kinds = [...new Set(items.map(({ kind }) => kind))]
  return kinds
    .map((kind) => {
      const own = items.filter((item) => item.kind === kind)
      return { kind, items: own, bytes: sumBytes(own) }
    })
    .sort((a, b) => b.bytes - a.bytes)
}

/** Working copies are made again, and of backups those stay that are the way back: nothing is lost with these. */
export const cleanable = (items: readonly StorageItem[]): StorageItem[] =>
  items.filter(({ kind, isRemovable }) => isRemovable && (kind === 'cache' || kind === 'backup'))

/** The contract takes so many ids in one call. */
const idsAtOnce = 1000

export function inBatches(ids: readonly string[]): string[][] {
  const batches: string[][] = []
  for (let at = 0; at < ids.length; at += idsAtOnce) batches.push(ids.slice(at, at + idsAtOnce))
  return batches
}
