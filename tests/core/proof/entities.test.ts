import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  countEntities,
  type EntityCounts,
  entitiesOfTags,
  entityScores,
  keepsEntityForm,
} from '#core/proof/metrics/entities.ts'
import { readEntities } from '#core/scenarios/entity-marks.ts'

interface Case {
  true: string[][]
  pred: string[][]
  lenient: number[]
  strict: number[]
  kinds: Record<string, number[]>
}
const golden = JSON.parse(
  readFileSync(new URL('../../golden/text-metrics.json', import.meta.url), 'utf8'),
) as { entities: Record<string, Case> }

function countTags(one: Case, mode: 'lenient' | 'strict', kind: string | null): EntityCounts {
  const sums = { right: 0, named: 0, expected: 0 }
  for (const [at, tags] of one.true.entries()) {
    const keys = (of: readonly string[]) =>
      entitiesOfTags(of, mode)
        .filter((entity) => kind === null || entity.kind === kind)
        .map((entity) => JSON.stringify(entity))
    const wanted = new Set(keys(tags))
    const given = keys(one.pred[at]!)
    sums.right += given.filter((key) => wanted.has(key)).length
    sums.named += given.length
    sums.expected += wanted.size
  }
  return sums
}

describe('entities of tags against seqeval', () => {
  const expectScores = (counts: EntityCounts, figures: readonly number[]) => {
    const { precision, recall, f1 } = entityScores(counts)
    expect(precision).toBeCloseTo(figures[0]!, 12)
    expect(recall).toBeCloseTo(figures[1]!, 12)
    expect(f1).toBeCloseTo(figures[2]!, 12)
  }
  test.each(Object.entries(golden.entities))('%s', (_name, one) => {
    for (const mode of ['lenient', 'strict'] as const) expectScores(countTags(one, mode, null), one[mode])
    for (const [kind, figures] of Object.entries(one.kinds)) {
      const counts = countTags(one, 'lenient', kind)
      expectScores(counts, figures)
      expect(counts.expected).toBe(figures[3])
    }
  })

  // An answer has no places; where each name stands once, counting its lines must give what counting tags gives.
  test('counting the lines of answers gives what seqeval gives for the same entities', () => {
    const linesOf = (tags: readonly string[]): string =>
      entitiesOfTags(tags, 'lenient')
        .map(({ kind, start, end }) => `${kind}: word${start}-${end}`)
        .join('\n') || 'none'
    const { random } = golden.entities
    const sums = { right: 0, named: 0, expected: 0 }
    for (const [at, tags] of random!.true.entries()) {
      const counts = countEntities(linesOf(random!.pred[at]!), linesOf(tags))
      for (const key of ['right', 'named', 'expected'] as const) sums[key] += counts[key]
    }
    expectScores(sums, random!.lenient)
  })
})

describe('entities of an answer', () => {
  const expected = 'PERSON: Anna\nPLACE: Lisbon\nPERSON: Anna'

  test('a name that is expected twice must be named twice, and not three times', () => {
    expect(countEntities('PERSON: Anna', expected)).toEqual({ right: 1, named: 1, expected: 3 })
    expect(countEntities('PERSON: Anna\nPERSON: Anna\nPERSON: Anna', expected)).toEqual({
      right: 2,
      named: 3,
      expected: 3,
    })
  })

  test('the right words under a wrong kind are wrong', () => {
    expect(countEntities('PLACE: Anna', expected)).toEqual({ right: 0, named: 1, expected: 3 })
  })

  test('lines that are no entity count as named and wrong', () => {
    expect(countEntities('Here you are\nPLACE:  Lisbon ', expected)).toEqual({
      right: 1,
      named: 2,
      expected: 3,
    })
  })

  // By one pattern for the line this took seconds for some thousand blanks, as a small model writes them.
  test('a line of blanks is read as quickly as any other', () => {
    const blanks = ' '.repeat(200_000)
    expect(readEntities(`${blanks}x`)).toEqual({ entities: [], malformed: 1 })
    expect(readEntities(`${blanks}PLACE${blanks}:${blanks}Lisbon${blanks}`).entities).toEqual([
      { kind: 'PLACE', words: 'Lisbon' },
    ])
  })

  test('`none` and an empty answer name nothing', () => {
    for (const answer of ['none', ' None. \n', '']) expect(readEntities(answer).entities).toEqual([])
    expect(countEntities('none', 'none')).toEqual({ right: 0, named: 0, expected: 0 })
  })

  test('words may hold a colon; colons of full width count', () => {
    expect(readEntities('TIME: 10:30\r\n地点：里斯本').entities).toEqual([
      { kind: 'TIME', words: '10:30' },
      { kind: '地点', words: '里斯本' },
    ])
  })

  test.each([
    ['PERSON: Anna\nPlace: Lisbon', true],
    ['none', true],
    ['', false],
    ['The person is Anna.', false],
    ['Answer: Anna', false],
  ])('%j keeps the form: %s', (answer, isKept) => {
    expect(keepsEntityForm(answer, new Set(['person', 'place']))).toBe(isKept)
  })
})
