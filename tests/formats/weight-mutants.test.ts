// 20,000 damaged weight files, made from real ones (safety.md P1, P3; issue 3 "Bad input"). The million is in tests/long.
import { beforeAll, describe, expect, it } from 'vitest'
import { headerEndOf } from '../support/mutator.ts'
import { judge, requireValid } from '../support/weight-oracle.ts'
import { damagedFile, type Seed, weightSeeds } from '../support/weight-seeds.ts'

const mutantsPerKind = 10_000

describe.each(['safetensors', 'gguf'] as const)('damaged %s files', (kind) => {
  let seeds: Seed[] = []
  beforeAll(async () => {
    seeds = await weightSeeds(kind)
    for (const { file } of seeds) await requireValid(kind, file)
  })

  it(`${mutantsPerKind} mutants: a valid result or one typed Problem, within bounds`, async () => {
    const verdicts = new Map<string, number>()
    for (let number = 0; number < mutantsPerKind; number += 1) {
      const verdict = await judge(kind, damagedFile(kind, seeds, number))
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    }
    const total = [...verdicts.values()].reduce((sum, count) => sum + count, 0)
    console.info(`${kind}: ${[...verdicts].map(([verdict, count]) => `${verdict} ${count}`).join(', ')}`)
    expect(total).toBe(mutantsPerKind)
    // A mutator that breaks nothing, or everything, would test nothing.
    expect(verdicts.get(`${kind}.invalid`)).toBeGreaterThan(mutantsPerKind / 3)
    expect(verdicts.get('accepted')).toBeGreaterThan(mutantsPerKind / 100)
    expect(verdicts.get('limit.exceeded')).toBeGreaterThan(mutantsPerKind / 2000)
  })

  it('a file cut at every byte of its header is never accepted', async () => {
    for (const { name, file } of seeds)
      for (let length = 0; length < headerEndOf(kind, file); length += 1) {
        const verdict = await judge(kind, file.slice(0, length))
        if (verdict !== `${kind}.invalid`) expect.fail(`${name} cut to ${length} bytes: ${verdict}`)
      }
  })
})
