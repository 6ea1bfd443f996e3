// The closest training row, against figures of scikit-learn's TfidfVectorizer.
import { expect, test } from 'vitest'
import { createClosestRows } from '#core/proof/closest-rows.ts'

const rows = [
  { text: 'Please cancel my plan at the end of the month', answer: 'cancel' },
  { text: 'The lamp arrived broken, I want my money back', answer: 'billing' },
  { text: 'Where is the parcel with the lamp?', answer: 'delivery' },
  { text: '我想取消订单', answer: 'cancel' },
]

test('equals the cosine of scikit-learn 1.9.1 with TfidfVectorizer(sublinear_tf=True, token_pattern="\\\\w+")', () => {
  const closestTo = createClosestRows(rows)
  expect(closestTo('Do I get money back for the broken lamp?')).toMatchObject({ answer: 'billing' })
  expect(closestTo('Do I get money back for the broken lamp?')?.similarity).toBeCloseTo(0.810761882710977, 12)
  expect(closestTo('Stop my plan in May please')?.similarity).toBeCloseTo(0.5461345492323223, 12)
  expect(closestTo('the the the parcel')?.similarity).toBeCloseTo(0.6085381044334518, 12)
})

test('scripts without blanks are compared sign by sign; nothing in common is nothing close', () => {
  const closestTo = createClosestRows(rows)
  expect(closestTo('取消')).toMatchObject({ answer: 'cancel', text: '我想取消订单' })
  expect(closestTo('xyzzy')).toBeNull()
  expect(closestTo('')).toBeNull()
  expect(createClosestRows([])('lamp')).toBeNull()
  expect(closestTo(rows[2]!.text)?.similarity).toBeCloseTo(1, 12)
})

test('of equally close rows the first is given; of many rows some from all over are looked through', () => {
  const same = Array.from({ length: 45_000 }, (_, at) => ({
    text: `row ${at % 2} word${at}`,
    answer: `${at}`,
  }))
  const closestTo = createClosestRows(same)
  expect(closestTo('row 0')?.answer).toBe('0')
  expect(closestTo('word44998')).toBeNull()
  expect(closestTo('word44997')?.answer).toBe('44997')
})

test('of rows with much text fewer are looked through: all of it took the core a minute and two gigabytes', () => {
  const long = Array.from({ length: 2000 }, (_, at) => ({
    text: `word${at}`.padEnd(4000),
    answer: `${at}`,
  }))
  const closestTo = createClosestRows(long)
  expect(closestTo('word1001')).toBeNull()
  expect(closestTo('word1002')?.answer).toBe('1002')
})
