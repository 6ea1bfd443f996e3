// Near repeats against the plain comparison of every text with every other.
import { expect, test } from 'vitest'
import { findNearRepeats, nearLikeness } from '#core/data/near-repeats.ts'
import { randomFrom } from '../../support/seeded.ts'

const words = 'boat oar river lock tide rope sail knot bank reed ferry pier storm calm north light'.split(' ')

/** Jaccard index of the sets of five-character pieces, written down as it is defined. */
function likeness(a: string, b: string): number {
  const pieces = (text: string) =>
    new Set(Array.from({ length: text.length - 4 }, (_, i) => text.slice(i, i + 5)))
  const [left, right] = [pieces(a), pieces(b)]
  const common = [...left].filter((piece) => right.has(piece)).length
  return common / (left.size + right.size - common)
}

function texts(seed: number): string[] {
  const random = randomFrom(seed)
  const pick = () => words[Math.floor(random() * words.length)]!
  const list = Array.from({ length: 120 }, () => Array.from({ length: 25 }, pick).join(' '))
  for (let i = 0; i < 60; i += 1) {
    const changed = list[Math.floor(random() * 120)]!.split(' ')
    const changes = 1 + Math.floor(random() * 4)
    for (let k = 0; k < changes; k += 1) changed[Math.floor(random() * changed.length)] = pick()
    list.push(changed.join(' '))
  }
  return list
}

test('every text that is joined is alike to its leader, and leaders stand for themselves', () => {
  for (const seed of [1, 2, 3]) {
    const list = texts(seed)
    const { leaders, strays } = findNearRepeats(list)
    for (const [i, leader] of leaders.entries()) {
      if (leader === null) continue
      expect(leader).toBeLessThan(i)
      expect(leaders[leader]).toBeNull()
      expect(likeness(list[leader]!, list[i]!)).toBeGreaterThanOrEqual(nearLikeness)
    }
    for (const [a, b] of strays) expect(likeness(list[a]!, list[b]!)).toBeGreaterThanOrEqual(nearLikeness)
  }
})

test('of all texts that are alike to an earlier one at least 19 in 20 are found', () => {
  let there = 0
  let found = 0
  for (const seed of [11, 12, 13, 14]) {
    const list = texts(seed)
    const { leaders } = findNearRepeats(list)
    for (const [i, text] of list.entries()) {
      if (!list.slice(0, i).some((other) => likeness(other, text) >= nearLikeness)) continue
      there += 1
      // A text that is alike only to one that was itself joined to another leader stays a leader.
      const isJoined = leaders[i] !== null
      const isNearJoined = list
        .slice(0, i)
        .every((other, k) => leaders[k] !== null || likeness(other, text) < nearLikeness)
      if (isJoined || isNearJoined) found += 1
    }
  }
  expect(there).toBeGreaterThan(100)
  expect(found / there).toBeGreaterThan(0.95)
})

test('short texts are never called almost the same, equal ones of some length are', () => {
  expect(findNearRepeats(['yes please', 'yes please!']).leaders).toEqual([null, null])
  const text = 'the ferry goes at ten from the northern pier'
  expect(findNearRepeats([text, 'something else altogether is said', text]).leaders).toEqual([null, null, 0])
})

test('thousands of texts of one template end in bounded work', () => {
  const list = Array.from(
    { length: 20_000 },
    (_, i) =>
      `Dear customer, your order ${i * 7919} was sent today and will arrive within a few days. Thank you.`,
  )
  const { leaders } = findNearRepeats(list)
  expect(leaders.filter((leader) => leader !== null).length).toBeGreaterThan(19_000)
})
