// Whether a repeat gave the same bits, from what the journal has of both: one changed figure must be seen.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { repeatOf } from '#core/training/repeat-run.ts'
import { programsOf, repeatabilityOf } from '#core/training/repeatability.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { NewEvent, NewRun } from '#shared/journal-commands.ts'
import { sameBitsWhileCopies } from '#shared/kept-copies.ts'
import {
  addSampleLibrary,
  evaluationEvent,
  good,
  sampleRecipe,
  stepEvent,
} from '../../journal/support/sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunewright-repeat-'))
let writer: JournalWriter
let reader: JournalReader
let base: NewRun
let journals = 0

beforeEach(() => {
  const path = join(folder, `${journals++}`, 'journal.db')
  writer = good(openJournalWriter(path))
  reader = good(openJournalReader(path))
  base = addSampleLibrary(writer)
  return () => {
    reader.close()
    writer.close()
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const weights = 'b'.repeat(64)
const steps = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, at) => stepEvent(at + 1, at + 1, 0.1 + 1 / (at + 3)))
/** Ten steps and a measurement. */
const usual = (): NewEvent[] => [...steps(10), evaluationEvent(11, 10, 0.4321, true)]

interface Past {
  readonly events?: NewEvent[]
  readonly change?: Partial<NewRun>
  readonly adapterSha256?: string
  readonly reason?: 'completed' | 'cancelled' | 'pruned'
}

function ran({
  events = usual(),
  change = {},
  adapterSha256 = weights,
  reason = 'completed',
}: Past = {}): string {
  const { id } = good(writer.createRun({ ...base, ...change }))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, events))
  good(writer.finishRun(id, { reason, bestStep: 10, bestLossNats: 0.4321, adapterSha256 }))
  return id
}

function checked(original: string, repeat: string) {
  good(writer.addLink({ runId: repeat, kind: 'repeats', parent: original }))
  return repeatOf(reader, good(reader.getRun(repeat)))
}

/** Ten steps of which the fifth says something else. */
const withStepFive = (change: Record<string, number>): NewEvent[] =>
  usual().map((event) =>
    event.seq === 5 ? { ...event, body: { ...(event.body as object), ...change } } : event,
  )

test('the same figures and weights are the same, and how many were compared is said', () => {
  expect(checked(ran(), ran())).toEqual({
    originalId: expect.any(String),
    originalName: 'First try',
    kind: 'same',
    sentence:
      'The same came out to the last bit: 10 losses with their gradient norms, 1 measurement on rows not seen, and the trained weights.',
    firstDifferentStep: null,
    largestDifferenceNats: null,
    differences: [],
  })
})

test('one loss that differs in its last bit is seen, at its step', () => {
  const lossNats = (0.1 + 1 / 7) * (1 + Number.EPSILON)
  const check = checked(ran(), ran({ events: withStepFive({ lossNats }) }))
  expect(check).toMatchObject({ kind: 'different', firstDifferentStep: 5 })
  expect(check?.largestDifferenceNats).toBeCloseTo(lossNats - (0.1 + 1 / 7), 30)
  expect(check?.sentence).toContain('from step 5 on: losses are up to 5.6e-17 apart')
  expect(check?.sentence).toContain('nothing that is known of it changed')
})

test('a gradient norm, a measurement and the weights are compared too', () => {
  const byNorm = checked(ran(), ran({ events: withStepFive({ gradNorm: 0.5000001 }) }))
  expect(byNorm).toMatchObject({ kind: 'different', firstDifferentStep: 5, largestDifferenceNats: 0 })
  expect(byNorm?.sentence).toContain('gradient norms differ, the losses do not')
  const measured = [...steps(10), evaluationEvent(11, 10, 0.4322, true)]
  expect(checked(ran(), ran({ events: measured }))).toMatchObject({
    kind: 'different',
    firstDifferentStep: 10,
  })
  const byWeights = checked(ran(), ran({ adapterSha256: 'c'.repeat(64) }))
  expect(byWeights).toMatchObject({
    kind: 'different',
    firstDifferentStep: null,
    largestDifferenceNats: null,
  })
  expect(byWeights?.sentence).toContain('the trained weights are not')
})

test('what is not as it was is said as pairs, also where the same came out', () => {
  const elsewhere = {
    recipe: { ...sampleRecipe(), threads: 4 },
    device: { processor: 'Other', physicalCores: 4 },
    versions: { tunewright: '0.2.0' },
    backend: 'tensorflow',
  }
  const check = checked(ran(), ran({ change: elsewhere, events: withStepFive({ lossNats: 0.9 }) }))
  expect(check?.differences).toEqual([
    { what: 'threads', before: '2', now: '4' },
    { what: 'processor', before: 'none', now: 'Other' },
    { what: 'processor cores', before: 'none', now: '4' },
    { what: 'Tunewright', before: '0.1.0', now: '0.2.0' },
    { what: 'computed by', before: 'onnx-cpu', now: 'tensorflow' },
  ])
  expect(check?.sentence).toContain(
    'what is not as it was: threads, processor, processor cores, Tunewright, computed by',
  )
  const same = checked(ran(), ran({ change: { versions: { tunewright: '0.2.0' } } }))
  expect(same).toMatchObject({ kind: 'same' })
  expect(same?.sentence).toContain('although not everything is as it was (Tunewright)')
})

test('another code of the program is named, and where one of them does not say it, that it is not known', () => {
  const by = (code?: string) => ({
    versions: { tunewright: '0.1.0', ...(code === undefined ? {} : { code: code.repeat(64) }) },
  })
  const apart = withStepFive({ lossNats: 0.9 })
  const another = checked(ran({ change: by('a') }), ran({ change: by('d'), events: apart }))
  expect(another?.differences).toEqual([
    { what: 'the program itself', before: 'a'.repeat(12), now: 'd'.repeat(12) },
  ])
  expect(another?.sentence).toMatch(/; what is not as it was: the program itself\.$/)
  const old = checked(ran({ change: by() }), ran({ change: by('d'), events: apart }))
  expect(old?.differences).toEqual([])
  expect(old?.sentence).toMatch(/changed; whether the program itself is the same is not known\.$/)
  const alike = checked(ran({ change: by('a') }), ran({ change: by('a'), events: apart }))
  expect(alike?.sentence).toMatch(/although nothing that is known of it changed\.$/)
})

test('where one of them did not come to its end nothing is said of the rest', () => {
  const stopped = { events: steps(4), reason: 'cancelled' } as const
  const later = checked(ran(stopped), ran())
  expect(later).toMatchObject({ kind: 'cannot-tell', firstDifferentStep: null })
  expect(later?.sentence).toBe(
    'Everything up to step 4 is the same to the last bit; of the rest nothing can be said, because the run that it repeats did not come to its end.',
  )
  expect(checked(ran(), ran(stopped))?.sentence).toContain('because it did not come to its end')
  expect(checked(ran({ events: steps(4), reason: 'pruned' }), ran())?.kind).toBe('cannot-tell')
  expect(checked(ran({ events: [] }), ran())?.sentence).toContain('no steps that both have')
  // What differs is said however they ended.
  expect(
    checked(
      ran(stopped),
      ran({ events: steps(10).map((event) => (event.seq === 2 ? stepEvent(2, 2, 7) : event)) }),
    ),
  ).toMatchObject({ kind: 'different', firstDifferentStep: 2 })
  // Both at their end, and one is longer.
  expect(checked(ran(), ran({ events: steps(9) }))).toMatchObject({
    kind: 'different',
    firstDifferentStep: null,
  })
})

test('a repeat under way is compared at its end; what repeats nothing has no check', () => {
  const original = ran()
  const { id } = good(writer.createRun(base))
  expect(checked(original, id)?.kind).toBe('running')
  expect(repeatOf(reader, good(reader.getRun(original)))).toBeNull()
  expect(repeatOf(reader, good(reader.getRun(ran())))).toBeNull()
})

const programs = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string]
const planEvent = (seq: number, code: string | undefined, resumedAtStep = 0): NewEvent => ({
  seq,
  atMs: 1_750_000_000_000 + seq,
  kind: 'plan',
  body: {
    ...{ totalSteps: 10, determinism: 'bit-exact on this machine', backend: 'onnx-cpu', resumedAtStep },
    ...(code !== undefined && { code }),
  },
})

/** Five steps, then the rest by an attempt that the other program made, from step `from` on. */
function wentOn(code: string | undefined, from: number, made: string | null = programs[0]): string {
  const { id } = good(writer.createRun({ ...base, versions: made === null ? {} : { code: made } }))
  good(writer.startAttempt(id))
  // As attempts of before their code was noted: what made the run stands for the first one.
  good(writer.appendEvents(id, 1, [planEvent(1, undefined), ...later(steps(5), 1)]))
  good(writer.setRunStatus(id, 'interrupted'))
  good(writer.startAttempt(id))
  const rest = steps(10).slice(from)
  good(writer.appendEvents(id, 2, [planEvent(7, code, from), ...later(rest, 7 - from)]))
  good(
    writer.finishRun(id, { reason: 'completed', bestStep: 10, bestLossNats: 0.4321, adapterSha256: weights }),
  )
  return id
}
const later = (events: readonly NewEvent[], by: number): NewEvent[] =>
  events.map((event) => ({ ...event, seq: event.seq + by }))
const promisedOf = (id: string) => repeatabilityOf(reader, good(reader.getRun(id)))

test('a run that another version of the program went on with promises no bits, and a repeat of it says so', () => {
  const original = wentOn(programs[1], 5)
  expect(promisedOf(original)).toBe(
    `it went on with another version of the program (code ${'a'.repeat(12)}, then ${'b'.repeat(12)}); the same bits cannot be promised`,
  )
  const change = { versions: { code: programs[1] } }
  const check = checked(original, ran({ events: steps(10), change }))
  expect(check).toMatchObject({
    kind: 'same',
    differences: [
      {
        what: 'the program itself',
        before: `${'a'.repeat(12)}, then ${'b'.repeat(12)}`,
        now: 'b'.repeat(12),
      },
    ],
  })
  const apart = checked(wentOn(programs[1], 5), ran({ events: steps(10).slice(0, 9), change }))
  expect(apart?.sentence).toMatch(/; the run that it repeats went on with another version of the program\.$/)
})

test('the same program, or one whose steps were all gone over again, leaves the promise as it was', () => {
  for (const id of [wentOn(programs[0], 5), wentOn(programs[2], 0)])
    expect(promisedOf(id)).toBe('bit-exact on this machine')
  expect(programsOf(reader, good(reader.getRun(wentOn(programs[2], 0))))).toEqual([programs[2]])
})

test('a run that reads kept copies of resting layers promises the same bits while those are the same', () => {
  const { method, ...rest } = sampleRecipe()
  const events = [planEvent(1, undefined), ...later(steps(5), 1)]
  const promised = (changes: object, reuseFrozenLayers = true) => {
    const recipe = { ...rest, reuseFrozenLayers, method: { ...method, ...changes } }
    return promisedOf(ran({ events, change: { recipe } }))
  }
  // Bug: the terminal promised the bits alone, the page did not.
  for (const changes of [
    { kind: 'head' },
    { kind: 'lora', topLayers: 1 },
    { kind: 'full-head', topLayers: 1 },
  ])
    expect(promised(changes)).toBe(sameBitsWhileCopies)
  for (const kind of ['lora', 'full-head']) expect(promised({ kind })).toBe('bit-exact on this machine')
  expect(promised({ kind: 'head' }, false)).toBe('bit-exact on this machine')
})

test('where the program of a part is not known, neither the bits are promised nor is the program called known', () => {
  // Bug: the code of the later part was told as that of the whole run, "bit for bit".
  const before = wentOn(programs[1], 5, null)
  expect(promisedOf(before)).toBe(
    `parts of it were computed by a program whose code is not known (code unknown, then ${'b'.repeat(12)}); the same bits cannot be promised`,
  )
  expect(programsOf(reader, good(reader.getRun(before)))).toEqual([])
  const check = checked(before, ran({ events: steps(10), change: { versions: { code: programs[1] } } }))
  expect(check).toMatchObject({ kind: 'same', differences: [] })
  const apart = checked(before, ran({ events: steps(10).slice(0, 9) }))
  expect(apart?.sentence).toContain('whether the program itself is the same is not known')
  // A later part of before its code was noted.
  expect(promisedOf(wentOn(undefined, 5))).toContain(`(code ${'a'.repeat(12)}, then unknown)`)
  // Of none anything is known, so nothing speaks against it; or the unknown part was gone over again.
  expect(promisedOf(wentOn(undefined, 5, null))).toBe('bit-exact on this machine')
  expect(programsOf(reader, good(reader.getRun(wentOn(programs[1], 0, null))))).toEqual([programs[1]])
})

test('both curves are read once, and again when one of them has more', () => {
  let read = 0
  const counting = {
    ...reader,
    curve: (id: string) => {
      read += 1
      return reader.curve(id)
    },
  }
  const original = ran({ reason: 'cancelled' })
  const repeat = ran()
  good(writer.addLink({ runId: repeat, kind: 'repeats', parent: original }))
  const look = () => repeatOf(counting, good(reader.getRun(repeat)))
  const first = look()
  expect([look(), look()]).toEqual([first, first])
  expect(read).toBe(2)
  good(writer.startAttempt(original))
  good(writer.appendEvents(original, 2, [stepEvent(12, 11, 9)]))
  look()
  expect(read).toBe(4)
})
