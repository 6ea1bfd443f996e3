// A process of its own for attention.test.ts: a hash of all that our attention operators give, with as many threads as its
// parameter says.
import { createHash } from 'node:crypto'
import { byOperators, inputsOf } from './attention-case.ts'
import { casesForBits } from './attention-cases.ts'

const threads = Number(process.argv[2])
const hash = createHash('sha256')
for (const one of casesForBits)
  for (const data of Object.values(byOperators(one, inputsOf(one), threads)))
    hash.update(data as Float32Array)
process.stdout.write(hash.digest('hex'))
