// For the tests of killed additions: adds the tiny engine of an index on this computer and stops where it is told to,
// until it is killed. Says where it is on standard output.
import { readFileSync } from 'node:fs'
import { openLibrary } from '#core/system/library.ts'
import { addTiny, type TinyEngine, useIndex } from './tiny-engine.ts'

const [home = '', packFile = '', url = '', where = ''] = process.argv.slice(2)
useIndex(url)
const tiny: TinyEngine = { pack: JSON.parse(readFileSync(packFile, 'utf8')), wheel: Buffer.alloc(0) }
const stopAt = (phase: string): void => {
  process.stdout.write(`${phase}\n`)
  if (phase.startsWith(where)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
const result = await addTiny(tiny, openLibrary(home), {
  tell: (phase, done = 0) => {
    if (phase.startsWith('Fetching') && done === 0) return
    stopAt(phase)
  },
})
process.stdout.write(`ended ${JSON.stringify(result)}\n`)
