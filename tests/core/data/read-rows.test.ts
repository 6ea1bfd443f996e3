// What reading keeps in memory: the texts of the columns in use, nothing else of the file.
import { appendFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readRows } from '#core/data/read-rows.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { openWorkshop } from './data-support.ts'

test('bug: every row kept the piece of the file around it, however wide the columns that nobody uses', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapBytes = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const workshop = openWorkshop()
  try {
    const path = workshop.write('wide.csv', 'text,label,junk\n')
    const junk = 'never used '.repeat(400)
    for (let row = 0; row < 8000; row += 1)
      appendFileSync(path, `the text of message number ${row},label ${row % 3},${junk}\n`)
    const before = heapBytes()
    const read = await readRows(path, scenarioOf('classification'), null)
    expect(heapBytes() - before).toBeLessThan(10_000_000)
    expect(read.rows).toHaveLength(8000)
    expect(read.source.sizeBytes).toBeGreaterThan(35_000_000)
  } finally {
    workshop.remove()
  }
})
