// Importance of a large study beside other calls: they are answered in between, what is not ready says so, and an answer
// from before stands in until the new one is there.
import { expect, test } from 'vitest'
import {
  createKeptImportance,
  type ImportanceQuestion,
  importanceAtOnce,
} from '#core/tuning/kept-importance.ts'
import type { Dimension, StudyTrial } from '#shared/study.ts'
import { counterRandom } from '../../../src/engine/index.ts'

const axis = (path: string): Dimension => ({
  ...{ kind: 'number', path, low: 0, high: 1, isLog: false, onlyWhen: null },
})
const draws = counterRandom(3, 'test of kept importance')
const trials = Array.from(
  { length: 120 },
  (_, at): Pick<StudyTrial, 'settings' | 'status' | 'lossNats' | 'rungLosses'> => {
    const [x, y] = [draws(3 * at), draws(3 * at + 1)]
    return { settings: { x, y }, status: 'complete', lossNats: x + 0.1 * draws(3 * at + 2), rungLosses: [] }
  },
)
const question = (count: number, state = `${count}`, studyId = 'study'): ImportanceQuestion => ({
  ...{ studyId, key: studyId, state },
  request: {
    ...{ space: [axis('x'), axis('y')], observations: trials.slice(0, count), seedNoise: null, seed: 1 },
  },
})

/** What is told, in its order, and who waits for the next. */
function listen() {
  const told: string[] = []
  let heard = (): void => {}
  return {
    told,
    tell(studyId: string) {
      told.push(studyId)
      heard()
    },
    next: () =>
      new Promise<void>((resolve) => {
        heard = resolve
      }),
  }
}

test('it is worked out beside other calls; until then it says so', { timeout: 120_000 }, async () => {
  const { told, tell, next } = listen()
  const importanceFor = createKeptImportance(tell)
  const first = importanceFor(question(120))
  expect(first).toMatchObject({ settings: [], trials: 120 })
  expect(first.cannotTell).toContain('being worked out')
  const isThere = next()
  let others = 0
  const other = (): void => {
    others += 1
    if (told.length === 0) setImmediate(other)
  }
  setImmediate(other)
  // Asked again meanwhile it is not begun anew.
  expect(importanceFor(question(120)).cannotTell).toContain('being worked out')
  await isThere
  expect(others).toBeGreaterThan(2)
  expect(importanceFor(question(120))).toEqual(importanceAtOnce(question(120)))
  expect(told).toEqual(['study'])
})

test('after another trial the reading of the trials before stands until the new one is there', {
  timeout: 120_000,
}, async () => {
  const { tell, next } = listen()
  const importanceFor = createKeptImportance(tell)
  let isThere = next()
  importanceFor(question(100))
  await isThere
  isThere = next()
  expect(importanceFor(question(101))).toMatchObject({ trials: 100, cannotTell: null })
  await isThere
  expect(importanceFor(question(101))).toMatchObject({ trials: 101, cannotTell: null })
})

test('of a study that is asked for again and again only the last state is worked out, and others have their turn', {
  timeout: 120_000,
}, async () => {
  const { told, tell, next } = listen()
  const importanceFor = createKeptImportance(tell)
  for (const count of [90, 91, 92]) importanceFor(question(count))
  importanceFor(question(90, '90', 'other'))
  while (told.length < 3) await next()
  expect(told).toEqual(['study', 'study', 'other'])
  expect(importanceFor(question(92)).trials).toBe(92)
})

test('a small one is there at once', () => {
  const { told, tell } = listen()
  expect(createKeptImportance(tell)(question(30))).toEqual(importanceAtOnce(question(30)))
  expect(told).toEqual([])
})

test('one that cannot be worked out leaves the reading as it was, says why in the log, and holds no other up', {
  timeout: 120_000,
}, async () => {
  const { told, tell, next } = listen()
  const warned: unknown[] = []
  const importanceFor = createKeptImportance(tell, (error) => warned.push(error))
  let isThere = next()
  importanceFor(question(100))
  await isThere
  const fault = new Error('a value that nobody can read')
  const broken = (state: string, studyId: string): ImportanceQuestion => {
    const { request, ...about } = question(100, state, studyId)
    const unreadable = { ...trials[0]! }
    Object.defineProperty(unreadable, 'settings', {
      get() {
        throw fault
      },
    })
    return { ...about, request: { ...request, observations: [...request.observations, unreadable] } }
  }
  importanceFor(broken('101', 'study'))
  importanceFor(broken('1', 'other'))
  importanceFor(question(90, '90', 'third'))
  while (told.length < 4) {
    isThere = next()
    await isThere
  }
  expect(told).toEqual(['study', 'study', 'other', 'third'])
  expect(warned).toEqual([fault, fault])
  expect(importanceFor(broken('101', 'study'))).toMatchObject({ trials: 100, cannotTell: null })
  expect(importanceFor(broken('1', 'other')).cannotTell).toMatch(/^It could not be worked out/)
  // Asked again in the same state it is not tried again.
  expect(told).toHaveLength(4)
})
