// The largest data set: one row more is refused while it is read, before the memory that it would take.
import { afterAll, expect, test } from 'vitest'
import { checkData } from '#core/data/index.ts'
import { openWorkshop } from '../core/data/data-support.ts'

const workshop = openWorkshop()
afterAll(() => workshop.remove())

test('2,000,001 rows are one too many', async () => {
  const path = workshop.write('many.csv', `text,label\n${'a b,x\nc d,y\n'.repeat(1_000_000)}one more,x\n`)
  expect(await checkData(path, { scenario: 'classification' })).toMatchObject({
    ok: false,
    problem: {
      code: 'limit.exceeded',
      message: expect.stringContaining('2,000,000 rows'),
      where: 'many.csv, line 2000002',
    },
  })
})
