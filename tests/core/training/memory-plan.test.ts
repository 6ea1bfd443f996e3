// What a plan counts for a base in few bits: the vocabulary's table is never float32 whole.
import { describe, expect, it } from 'vitest'
import { knownModels } from '#core/models/known-models.ts'
import { type MemoryPlan, planMemory } from '#core/training/memory-plan.ts'
import { languageModel, type ModelConfig } from '#engine/index.ts'
import { recipeDraft } from '#shared/recipe.ts'

const config = knownModels[1]!.config
const bases = ['int8', 'int4', 'nf4'] as const
const rows = { longestTokens: 256, mostLabelledTokens: 250 }

function planned(base: 'float' | (typeof bases)[number], of: ModelConfig = config): MemoryPlan {
  const recipe = recipeDraft.parse({
    scenario: 'translation',
    model: 'm',
    data: { path: 'd' },
    method: { base },
    batch: { microRows: 4 },
  })
  return planMemory({ config: of, recipe, task: languageModel, rows, bytesPerValue: 4 })
}

describe('a base in few bits', () => {
  it.each(bases)('%s takes less than the float one, every token labelled', (base) => {
    expect(planned(base).total).toBeLessThan(planned('float').total)
  })

  it.each(bases)(
    '%s: four times the vocabulary takes its codes and its tokenizer, and no float table',
    (base) => {
      const larger = { ...config, vocabulary: 4 * config.vocabulary }
      const [few, many] = [planned(base), planned(base, larger)]
      const table = config.vocabulary * config.hidden
      expect(many.weights - few.weights).toBeCloseTo(3 * (1 + 2 / 32) * table)
      for (const part of ['activations', 'workspace', 'besides'] as const)
        expect(Math.abs(many[part] - few[part])).toBeLessThan(20e6)
    },
  )
})
