// A million damaged files of each weight format, and the same files before the reference library: nothing that it refuses
// may be accepted here (safety.md 2.3 P1, P3; 5 "differential").
import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { findPython } from '../support/models.ts'
import { judge } from '../support/weight-oracle.ts'
import { damagedFile, type Seed, weightSeeds } from '../support/weight-seeds.ts'

const mutantsPerKind = Number(process.env.TUNEWRIGHT_MUTANTS ?? 1_000_000)
/** The everyday suite has the numbers from 0. */
const first = 3_000_000
const python = findPython('safetensors')
const hour = 3_600_000

describe.each(['safetensors', 'gguf'] as const)('damaged %s files', (kind) => {
  let seeds: Seed[] = []
  beforeAll(async () => {
    seeds = await weightSeeds(kind)
  })

  it(`${mutantsPerKind} mutants: a valid result or one typed Problem, bounded memory`, {
    timeout: 2 * hour,
  }, async () => {
    const verdicts = new Map<string, number>()
    let slowestMs = 0
    await judge(kind, damagedFile(kind, seeds, first))
    const before = process.memoryUsage().rss
    let peak = before
    for (let number = 0; number < mutantsPerKind; number += 1) {
      const start = performance.now()
      const verdict = await judge(kind, damagedFile(kind, seeds, first + number))
      slowestMs = Math.max(slowestMs, performance.now() - start)
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
      if (number % 1000 === 0) peak = Math.max(peak, process.memoryUsage().rss)
    }
    console.info(
      `${kind}: ${[...verdicts].map((pair) => pair.join(' ')).join(', ')}; slowest ${slowestMs.toFixed(1)} ms; memory at most ${Math.round(peak / 1e6)} MB, ${Math.round((peak - before) / 1e6)} MB more than before`,
    )
    expect([...verdicts.values()].reduce((sum, count) => sum + count, 0)).toBe(mutantsPerKind)
    // The whole process; most of it is what V8 lets grow before it collects (246 MB over the million, then level).
    expect(peak).toBeLessThan(512e6)
  })
})

describe.skipIf(python === null)('beside the reference library of safetensors', () => {
  it('accepts nothing that the reference refuses', { timeout: 2 * hour }, async () => {
    const seeds = await weightSeeds('safetensors')
    const batch = 5000
    const stricter = { both: 0, onlyReference: 0, neither: 0 }
    for (let start = 0; start < Math.min(mutantsPerKind, 200_000); start += batch) {
      const files = Array.from({ length: batch }, (_, i) =>
        damagedFile('safetensors', seeds, first + start + i),
      )
      const theirs = referenceVerdicts(files)
      for (const [i, file] of files.entries()) {
        const accepted = (await judge('safetensors', file)) === 'accepted'
        if (accepted && theirs[i] === '0')
          expect.fail(`mutant ${first + start + i} is accepted here and refused there`)
        if (accepted) stricter.both += 1
        else if (theirs[i] === '1') stricter.onlyReference += 1
        else stricter.neither += 1
      }
    }
    console.info(
      `accepted by both ${stricter.both}, by the reference only ${stricter.onlyReference}, by neither ${stricter.neither}`,
    )
    expect(stricter.both).toBeGreaterThan(0)
    expect(stricter.neither).toBeGreaterThan(0)
  })
})

function referenceVerdicts(files: readonly Uint8Array[]): string {
  const parts = files.flatMap((file) => {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, file.length, true)
    return [length, file]
  })
  const script = new URL('../python/safetensors_verdicts.py', import.meta.url).pathname
  const run = spawnSync(python!, [script], {
    input: Buffer.concat(parts),
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  if (run.status !== 0 || run.stdout.length !== files.length)
    throw new Error(`the reference failed: ${run.stderr}`)
  return run.stdout
}
