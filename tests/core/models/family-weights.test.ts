// Weight files of other families: names without a prefix, heads and buffers that are left aside, a pooler that is kept.
import { describe, expect, it } from 'vitest'
import { openWeights } from '#core/models/shards.ts'
import { parameterShapes, parseModelConfig } from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { freshFolder, problemOf } from './places.ts'
import { writeFiles } from './tiny-model.ts'

const bert = {
  model_type: 'bert',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 16,
}

/** A weight file of a bare BERT, as sentence encoders are saved, with `more` besides. */
function folderWith(more: Readonly<Record<string, readonly number[]>>): string {
  const bare = parameterShapes(unwrap(parseModelConfig(bert, ['embeddings.word_embeddings.weight'])))
  const shapes = [...bare.map(({ name, shape }) => [name, shape] as const), ...Object.entries(more)]
  const tensors = new Map(
    shapes.map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1)
      return [name, { shape, data: new Float32Array(count) }] as const
    }),
  )
  const files = new Map([['model.safetensors', encodeSafetensors(tensors)]])
  return writeFiles(freshFolder(), files)
}

const open = (folder: string) => openWeights(folder, (names) => unwrap(parseModelConfig(bert, names)))

describe('weight files of an encoder', () => {
  it('a bare body is found under its own names; the pooler is kept, other heads and buffers are not', async () => {
    const folder = folderWith({
      'pooler.dense.weight': [8, 8],
      'pooler.dense.bias': [8],
      'embeddings.position_ids': [1, 16],
      'cls.predictions.bias': [11],
      'classifier.weight': [3, 8],
    })
    const weights = await open(folder)
    const names = (await weights?.tensors())?.map(({ name }) => name) ?? []
    await weights?.close()
    expect(weights?.config.embedding.tokens).toBe('embeddings.word_embeddings.weight')
    expect(names).toContain('encoder.layer.0.attention.self.query.weight')
    expect(names.filter((name) => /pooler|position_ids|cls|classifier/.test(name))).toEqual([
      'pooler.dense.weight',
      'pooler.dense.bias',
    ])
  })

  it('a tensor that no BERT has is refused', async () => {
    expect(problemOf(await attemptAsync(() => open(folderWith({ 'adapter.weight': [8] }))))).toMatchObject({
      code: 'model.unsupported-family',
      where: expect.stringContaining('adapter.weight'),
    })
  })
})
