// The browser host ends by itself after half an hour in which nobody needed it, and not before (safety.md 3.5).
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { endWhenIdle } from '#web/idle.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const minutes = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 60_000)

test('thirty minutes without a page and without work end it, once', async () => {
  const end = vi.fn()
  endWhenIdle({ isNeeded: async () => false, end })
  await minutes(29)
  expect(end).not.toHaveBeenCalled()
  await minutes(100)
  expect(end).toHaveBeenCalledTimes(1)
})

test('a page, a run or a new address begin the half hour again', async () => {
  const end = vi.fn()
  let isNeeded = true
  const watch = endWhenIdle({ isNeeded: async () => isNeeded, end })
  await minutes(500)
  isNeeded = false
  await minutes(29)
  watch.touch()
  await minutes(29)
  expect(end).not.toHaveBeenCalled()
  await minutes(1)
  expect(end).toHaveBeenCalledTimes(1)
})

test('a host that ends for another reason is not ended again', async () => {
  const end = vi.fn()
  endWhenIdle({ isNeeded: async () => false, end }).stop()
  await minutes(60)
  expect(end).not.toHaveBeenCalled()
})
