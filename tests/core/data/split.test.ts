// The split as properties: sizes, labels, texts that repeat, and independence of order and of added rows.
import { describe, expect, test } from 'vitest'
import { rowsNeeded, type SplitItem, splitRows } from '#core/data/split.ts'
import { unwrap } from '#shared/result.ts'
import type { SplitName } from '#shared/rows.ts'
import { type Chance, seeded } from '../../support/seeded.ts'

const usual = { seed: 7, validationShare: 0.15, testShare: 0.2 }
const split = (items: readonly SplitItem[], settings = usual): SplitName[] =>
  unwrap(splitRows(items, settings, 'a.csv'))
const count = (parts: readonly SplitName[], part: SplitName): number =>
  parts.filter((name) => name === part).length

function drawItems(chance: Chance, repeats: boolean): SplitItem[] {
  const labels = Array.from({ length: 1 + chance.below(6) }, (_, i) => `label ${i}`)
  return Array.from({ length: 20 + chance.below(200) }, (_, i) => {
    const key = repeats && i > 0 && chance.below(4) === 0 ? `text ${chance.below(i)}` : `text ${i}`
    return { key, stratum: chance.pick(labels) }
  })
}

describe('sizes', () => {
  test('without repeated texts each part has round(n x share) rows', () => {
    const chance = seeded(11)
    for (let round = 0; round < 300; round += 1) {
      const items = drawItems(chance, false)
      const settings = {
        seed: chance.below(1000),
        validationShare: (5 + chance.below(20)) / 100,
        testShare: (5 + chance.below(30)) / 100,
      }
      const smallest = Math.min(...[...groupSizes(items).values()])
      if (smallest < 3) continue
      const parts = split(items, settings)
      expect(count(parts, 'test')).toBe(Math.round(items.length * settings.testShare))
      expect(count(parts, 'validation')).toBe(Math.round(items.length * settings.validationShare))
    }
  })

  test('each label gets its share of each part within one row', () => {
    const chance = seeded(12)
    for (let round = 0; round < 200; round += 1) {
      const items = drawItems(chance, false)
      const sizes = groupSizes(items)
      if (Math.min(...sizes.values()) < 10) continue
      const parts = split(items)
      for (const [label, size] of sizes) {
        const mine = parts.filter((_, i) => items[i]!.stratum === label)
        expect(Math.abs(count(mine, 'test') - size * usual.testShare)).toBeLessThan(1.001)
        expect(Math.abs(count(mine, 'validation') - size * usual.validationShare)).toBeLessThan(1.001)
      }
    }
  })

  test('200,000 different texts are split, though no call takes so many arguments', () => {
    const items = Array.from({ length: 200_000 }, (_, i) => ({ key: `text ${i}`, stratum: '' }))
    expect(count(split(items), 'test')).toBe(40_000)
  })

  test('every label keeps at least one row for training', () => {
    const chance = seeded(13)
    for (let round = 0; round < 300; round += 1) {
      const items = drawItems(chance, true)
      const parts = split(items, { ...usual, testShare: 0.5, validationShare: 0.4 })
      for (const [key, members] of groupBy(items, ({ stratum }) => stratum)) {
        const owns = members.filter((i) => items.findIndex((item) => item.key === items[i]!.key) === i)
        if (owns.length > 0) expect([key, members.some((i) => parts[i] === 'train')]).toEqual([key, true])
      }
    }
  })
})

describe('texts that repeat', () => {
  test('rows with one text are never on two sides, and parts are not larger than asked', () => {
    const chance = seeded(14)
    for (let round = 0; round < 300; round += 1) {
      const items = drawItems(chance, true)
      const parts = split(items, { ...usual, seed: round })
      for (const [key, members] of groupBy(items, (item) => item.key))
        expect([key, new Set(members.map((i) => parts[i])).size]).toEqual([key, 1])
      expect(count(parts, 'test')).toBeLessThanOrEqual(Math.round(items.length * usual.testShare))
      expect(count(parts, 'validation')).toBeLessThanOrEqual(Math.round(items.length * usual.validationShare))
    }
  })
})

describe('chance', () => {
  const items = drawItems(seeded(15), true)

  test('the same seed gives the same split, another seed another', () => {
    expect(split(items)).toEqual(split(items))
    expect(split(items, { ...usual, seed: 8 })).not.toEqual(split(items))
  })

  test('the order of the rows does not matter', () => {
    const unique = items.filter((item, i) => items.findIndex(({ key }) => key === item.key) === i)
    const forwards = split(unique)
    const backwards = split(unique.toReversed()).toReversed()
    expect(backwards).toEqual(forwards)
  })

  test('adding a row moves few others', () => {
    const plain = Array.from({ length: 200 }, (_, i) => ({ key: `text ${i}`, stratum: '' }))
    const before = split(plain)
    const after = split([...plain, { key: 'one more', stratum: '' }])
    const moved = before.filter((part, i) => part !== after[i]).length
    expect(moved).toBeLessThanOrEqual(4)
  })

  test('every place in the file has the same chance of the test part', () => {
    const plain = Array.from({ length: 50 }, (_, i) => ({ key: `text ${i}`, stratum: '' }))
    const first = Array.from({ length: 2000 }, (_, seed) => split(plain, { ...usual, seed })[0])
    // 2000 draws of chance 0.2: standard deviation 18, so 330 to 470 is four of them either way.
    expect(count(first as SplitName[], 'test')).toBeGreaterThan(330)
    expect(count(first as SplitName[], 'test')).toBeLessThan(470)
  })
})

describe('refusals', () => {
  test('too few rows: the Problem says how many are needed', () => {
    const items = [0, 1, 2].map((i) => ({ key: `text ${i}`, stratum: '' }))
    const result = splitRows(items, usual, 'a.csv')
    expect(result).toMatchObject({ ok: false, problem: { code: 'data.too-few-rows', where: 'a.csv' } })
    expect(!result.ok && result.problem.remedy).toContain(`at least ${rowsNeeded(0.15, 0.2)} rows`)
  })

  test('rowsNeeded is exact: that many rows split, one fewer do not', () => {
    for (const [validationShare, testShare] of [
      [0.15, 0.2],
      [0.05, 0.05],
      [0, 0.1],
      [0.4, 0.5],
    ] as const) {
      const needed = rowsNeeded(validationShare, testShare)
      const rows = (n: number): SplitItem[] =>
        Array.from({ length: n }, (_, i) => ({ key: `${i}`, stratum: '' }))
      const settings = { seed: 1, validationShare, testShare }
      expect(splitRows(rows(needed), settings, 'a').ok).toBe(true)
      expect(splitRows(rows(needed - 1), settings, 'a').ok).toBe(false)
    }
  })

  test('one text many times cannot be split', () => {
    const items = Array.from({ length: 50 }, () => ({ key: 'same', stratum: '' }))
    expect(splitRows(items, usual, 'a.csv')).toMatchObject({
      ok: false,
      problem: {
        code: 'data.too-few-rows',
        message: expect.stringMatching(/50 usable rows.* make one group:/u),
      },
    })
  })

  test('shares that leave nothing for training are a fault of the recipe', () => {
    const items = Array.from({ length: 50 }, (_, i) => ({ key: `${i}`, stratum: '' }))
    const result = splitRows(items, { seed: 1, validationShare: 0.5, testShare: 0.5 }, 'a.csv')
    expect(result).toMatchObject({ ok: false, problem: { code: 'recipe.invalid' } })
  })

  test('a part with share 0 stays empty', () => {
    const items = Array.from({ length: 50 }, (_, i) => ({ key: `${i}`, stratum: '' }))
    expect(count(split(items, { seed: 1, validationShare: 0, testShare: 0.2 }), 'validation')).toBe(0)
  })
})

function groupBy(items: readonly SplitItem[], keyOf: (item: SplitItem) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const [i, item] of items.entries()) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), i])
  return groups
}

const groupSizes = (items: readonly SplitItem[]): Map<string, number> =>
  new Map([...groupBy(items, ({ stratum }) => stratum)].map(([label, members]) => [label, members.length]))
