// Ids sort as they were made and do not repeat.
import { expect, test } from 'vitest'
import { newId } from '#journal/ids.ts'

test('10,000 ids of one moment are different and in order', () => {
  const ids = Array.from({ length: 10_000 }, () => newId('run', 1_785_000_000_000))
  expect(new Set(ids).size).toBe(10_000)
  expect([...ids].sort()).toEqual(ids)
  expect(ids[0]).toMatch(/^run-[0-9a-z]{9}-[0-9a-z]{8}$/)
})

test('a later moment makes a later id, whatever the clock did before', () => {
  const before = newId('run', 1_900_000_000_000)
  expect(newId('run', 1_800_000_000_000) > before).toBe(true)
  expect(newId('run', 1_900_000_100_000) > before).toBe(true)
})
