// Who goes where: train, validation or test. A pure function of seed and texts, so adding rows does not reshuffle the
// others. Rows with the same text stay together; each label is shared out by itself.
import { createHash } from 'node:crypto'
import { fail, ok, type Result } from '#shared/result.ts'
import type { SplitName } from '#shared/rows.ts'
import { byCodeUnits } from '../scenarios/scenario.ts'

export interface SplitItem {
  /** Items with the same key stay on one side. */
  readonly key: string
  /** Items of one stratum are shared out in the asked proportion; '' where there is only one. */
  readonly stratum: string
}

export interface SplitSettings {
  readonly seed: number
  readonly validationShare: number
  readonly testShare: number
}

interface Group {
  readonly order: string
  readonly members: number[]
}

/**
 * The part of each item, in the items' order. Counts are round(n x share) over all items where no text repeats;
 * repeated texts can make a part smaller by less than their number. Fails where a part would be empty.
 */
export function splitRows(
  items: readonly SplitItem[],
  settings: SplitSettings,
  fileName: string,
): Result<SplitName[]> {
  const { validationShare, testShare } = settings
  if (validationShare + testShare >= 1)
    return fail({
      code: 'recipe.invalid',
      message: 'Validation and test rows together leave none to train on.',
      where: 'data.validationShare, data.testShare',
      remedy: 'Choose shares that add up to less than 1, for example 0.15 and 0.2.',
    })
  const strata = groupByStratum(items, settings.seed)
  const sizes = strata.map((groups) => groups.reduce((sum, group) => sum + group.members.length, 0))
  // One group of every stratum stays for training.
  const room = strata.map((groups, s) => sizes[s]! - smallestSize(groups))
  const test = shareOut(sizes, room, testShare)
  const validation = shareOut(
    sizes,
    room.map((places, s) => places - test[s]!),
    validationShare,
  )
  const parts: SplitName[] = new Array(items.length).fill('train')
  for (const [s, groups] of strata.entries()) assign(groups, test[s]!, validation[s]!, parts)
  return checkParts(items, parts, settings, fileName)
}

export function countParts(parts: readonly SplitName[]): Record<SplitName, number> {
  const counts = { train: 0, validation: 0, test: 0 }
  for (const part of parts) counts[part] += 1
  return counts
}

/** Strata in the order of their names; groups in each by the hash of seed and key, which no other row can change. */
function groupByStratum(items: readonly SplitItem[], seed: number): Group[][] {
  const groups = new Map<string, Group & { stratum: string }>()
  for (const [i, { key, stratum }] of items.entries()) {
    const known = groups.get(key)
    if (known !== undefined) known.members.push(i)
    else {
      const order = createHash('sha256').update(`${seed}\n${key}`).digest('hex')
      groups.set(key, { order, members: [i], stratum })
    }
  }
  const strata = new Map<string, Group[]>()
  for (const group of groups.values()) {
    const list = strata.get(group.stratum)
    if (list === undefined) strata.set(group.stratum, [group])
    else list.push(group)
  }
  return [...strata]
    .sort(([a], [b]) => byCodeUnits(a, b))
    .map(([, list]) => list.sort((a, b) => byCodeUnits(a.order, b.order)))
}

/** A file can have more groups than a call can have arguments, so Math.min(...sizes) would not do. */
const smallestSize = (groups: readonly Group[]): number =>
  groups.reduce((least, { members }) => Math.min(least, members.length), Number.POSITIVE_INFINITY)

/** round(total x share) places by largest remainder, none beyond a stratum's room. */
function shareOut(sizes: readonly number[], room: readonly number[], share: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const places = sizes.map((size, s) => Math.min(Math.floor(size * share + 1e-9), room[s]!))
  let left = Math.round(total * share) - places.reduce((sum, count) => sum + count, 0)
  const byRemainder = sizes
    .map((size, s) => ({ s, remainder: size * share - places[s]! }))
    .sort((a, b) => b.remainder - a.remainder || a.s - b.s)
  while (left > 0) {
    const before = left
    for (const { s } of byRemainder) {
      if (left === 0 || places[s]! >= room[s]!) continue
      places[s]! += 1
      left -= 1
    }
    if (left === before) break
  }
  return places
}

/** Groups in order into the part that still has room for all of them: test, then validation, then train. */
function assign(
  groups: readonly Group[],
  testPlaces: number,
  validationPlaces: number,
  parts: SplitName[],
): void {
  let test = testPlaces
  let validation = validationPlaces
  for (const { members } of groups) {
    const part = members.length <= test ? 'test' : members.length <= validation ? 'validation' : 'train'
    if (part === 'test') test -= members.length
    else if (part === 'validation') validation -= members.length
    for (const i of members) parts[i] = part
  }
}

function checkParts(
  items: readonly SplitItem[],
  parts: SplitName[],
  { validationShare, testShare }: SplitSettings,
  fileName: string,
): Result<SplitName[]> {
  const isMissing = (part: SplitName, share: number): boolean => share > 0 && !parts.includes(part)
  const trainShare = 1 - validationShare - testShare
  if (
    !isMissing('train', trainShare) &&
    !isMissing('validation', validationShare) &&
    !isMissing('test', testShare)
  )
    return ok(parts)
  const needed = rowsNeeded(validationShare, testShare)
  const groups = new Set(items.map(({ key }) => key)).size
  const rows = items.length === 1 ? '1 usable row' : `${items.length} usable rows`
  const together =
    groups === items.length
      ? ''
      : `, of which those with the same text, or the same value of the column that keeps rows together, make ${groups === 1 ? 'one group' : `${groups} groups`}`
  return fail({
    code: 'data.too-few-rows',
    message: `There ${items.length === 1 ? 'is' : 'are'} ${rows}${together}: too few to train, validate and test on different ones.`,
    where: fileName,
    remedy: `Bring at least ${needed} rows with different texts, and at least two for each label. A useful result needs a hundred or more.`,
  })
}

/** Smallest number of different rows for which every part with a share gets at least one. */
export function rowsNeeded(validationShare: number, testShare: number): number {
  for (let rows = 2; rows < 1_000_000; rows += 1) {
    const test = Math.min(Math.round(rows * testShare), rows - 1)
    const validation = Math.min(Math.round(rows * validationShare), rows - 1 - test)
    if ((validation > 0 || validationShare === 0) && (test > 0 || testShare === 0)) return rows
  }
  return 1_000_000
}
