// How often a trial whose process dies was tried from one place: by what its attempts brought into the journal.
import { expect, test } from 'vitest'
import { retryNotice, triesFromHere } from '#core/tuning/trial-tries.ts'
import type { JournalEvent } from '#shared/journal-types.ts'

interface Attempt {
  readonly resumedAt?: number
  readonly diedAt: number
  readonly savedAt?: number
  readonly measuredAt?: number
  /** Begun again after the program was killed: that is no try. */
  readonly isAfterKill?: boolean
}

function eventsOf(attempts: readonly Attempt[]): JournalEvent[] {
  let seq = 0
  return attempts.flatMap(({ resumedAt = 0, diedAt, savedAt, measuredAt, isAfterKill = false }, i) => {
    const event = (kind: string, body: object): JournalEvent => {
      seq += 1
      return { seq, attempt: i + 1, atMs: seq, kind, body: body as JournalEvent['body'], hash: '' }
    }
    return [
      ...(i > 0 && !isAfterKill ? [event('notice', { text: retryNotice })] : []),
      event('plan', { resumedAtStep: resumedAt }),
      event('evaluation', { step: 0 }),
      ...Array.from({ length: diedAt - resumedAt }, (_, n) => event('step', { step: resumedAt + n + 1 })),
      ...(savedAt === undefined ? [] : [event('checkpoint', { step: savedAt })]),
      ...(measuredAt === undefined ? [] : [event('evaluation', { step: measuredAt })]),
    ]
  })
}
const tries = (...attempts: Attempt[]): number => triesFromHere(eventsOf(attempts))
const times = (count: number, attempt: Attempt): Attempt[] => Array.from({ length: count }, () => attempt)

test('an attempt that came further than all before it counts as the first from there, without a checkpoint too', () => {
  const early = [3, 0, 7, 12, 5].map((diedAt) => ({ diedAt }))
  expect(tries(...early)).toBe(2)
  expect(tries(...early, { diedAt: 9 }, { diedAt: 12 }, { diedAt: 104, measuredAt: 104 })).toBe(1)
  expect(tries(...early, { diedAt: 104 }, { diedAt: 20 }, { diedAt: 103 })).toBe(3)
})

test('at the same place again and again it is given up, before the first step too', () => {
  for (const diedAt of [0, 12]) expect(tries(...times(6, { diedAt }))).toBe(6)
  // Measured at the step at which the others died: that is further.
  expect(tries(...times(5, { diedAt: 12 }), { diedAt: 12, measuredAt: 12 })).toBe(1)
  expect(tries(...times(6, { diedAt: 12, measuredAt: 12 }))).toBe(6)
})

test('a checkpoint that lies further is a place of its own, though the attempt died earlier than another', () => {
  expect(tries({ diedAt: 50 }, ...times(3, { diedAt: 10 }), { diedAt: 30, savedAt: 25 })).toBe(1)
  expect(tries({ diedAt: 50, savedAt: 40 }, ...times(3, { resumedAt: 40, diedAt: 45 }))).toBe(3)
})

test('a kill of the program counts for nothing and forgets nothing', () => {
  expect(tries(...times(3, { diedAt: 12 }), { diedAt: 4, isAfterKill: true }, { diedAt: 8 })).toBe(4)
})
