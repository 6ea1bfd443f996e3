// config.json of published models, as far as it decides what is computed, and the number of weights that transformers
// 5.24 makes of each (encoders without pooler; Flan-T5 with the output table that its file has).
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { layerLinears, parameterCount, parameterShapes, parseModelConfig } from '../../../src/engine/index.ts'
import { unwrap } from '../../../src/shared/result.ts'

interface Published {
  readonly config: Readonly<Record<string, unknown>>
  readonly parameters: number
}

const published: Readonly<Record<string, Published>> = JSON.parse(
  readFileSync(new URL('../../golden/published-configs.json', import.meta.url), 'utf8'),
)
const read = (name: string, weightNames: readonly string[] = []) =>
  unwrap(parseModelConfig(published[name]?.config, weightNames))

describe('published models', () => {
  test.each(Object.entries(published))(
    '%s has as many weights as in transformers',
    (name, { parameters }) => {
      const config = read(name, name.startsWith('flan') ? ['shared.weight', 'lm_head.weight'] : [])
      expect(parameterCount(config)).toBe(parameters)
      expect(new Set(parameterShapes(config).map((weight) => weight.name)).size).toBe(
        parameterShapes(config).length,
      )
      // Every linear of every block is a weight of the model, stored the way it says.
      const shapes = new Map(parameterShapes(config).map((weight) => [weight.name, weight.shape.join()]))
      for (const layer of config.blocks.keys())
        for (const { path, inputWidth, outputWidth, isInputFirst } of layerLinears(config, layer))
          expect(shapes.get(`${path}.weight`), path).toBe(
            (isInputFirst ? [inputWidth, outputWidth] : [outputWidth, inputWidth]).join(),
          )
    },
  )

  test('what is seen of them: windows, rotary tables, scales', () => {
    expect(read('Phi-3-mini-4k').blocks[0]).toMatchObject({ window: 2047, rope: 'rope' })
    expect(read('Mistral-7B-v0.1').blocks[31]).toMatchObject({ window: 4096 })
    expect(read('Qwen2.5-0.5B').blocks[23]).toMatchObject({ window: null })
    expect(
      read('SmolLM3-3B')
        .blocks.map(({ rope }) => rope)
        .slice(0, 4),
    ).toEqual(['rope', 'rope', 'rope', null])
    expect(read('gemma-3-270m').rope).toMatchObject([
      { name: 'rope', theta: 1_000_000 },
      { name: 'rope.local', theta: 10_000 },
    ])
    expect(read('gemma-3-270m').blocks.slice(4, 6)).toMatchObject([
      { rope: 'rope.local', window: 512 },
      { rope: 'rope', window: null },
    ])
    expect(read('pythia-70m').rope).toMatchObject([{ width: 16, theta: 10_000 }])
    expect(read('granite-3.1-2b')).toMatchObject({ branchScale: 0.22, output: { scale: 1 / 8 } })
    expect(read('roberta-base')).toMatchObject({ positionOffset: 2, maxPositions: 512 })
    expect(read('t5-small').output.scale).toBeCloseTo(1 / Math.sqrt(512))
    expect(read('flan-t5-small').output.scale).toBe(1)
  })
})
