// A process of its own for cross-entropy.test.ts: a hash of what our operator gives for few rows and for many, with as many
// threads as its parameter says.
import { createHash } from 'node:crypto'
import { crossEntropyOf, scoresOf } from './cross-entropy-case.ts'
import { gives } from './terms.ts'

const threads = Number(process.argv[2])
const hash = createHash('sha256')
for (const rows of [3, 12, 40]) {
  const one = { rows, classes: 20_001, smoothing: 0.1 }
  for (const numbers of crossEntropyOf(scoresOf(one), one, gives(true, true), threads)) hash.update(numbers)
}
process.stdout.write(hash.digest('hex'))
