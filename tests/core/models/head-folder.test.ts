// Names of an exported last layer: those that transformers itself wrote where it has such a class.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { headClass, headConfig, headWeights } from '#core/models/head-folder.ts'
import { parseModelConfig } from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import { findShared } from '../../support/models.ts'
import { openTinyGoldens } from '../../support/tiny-golden.ts'

const root = findShared('goldens/tiny')
const goldens = (await openTinyGoldens()).filter(({ task }) => task.kind !== 'language-model')

test.skipIf(!root).each(goldens)(
  '$name: class and names are those of its file',
  ({ name, task, figures }) => {
    if (task.kind === 'language-model') throw new Error('a golden without a head')
    const config = JSON.parse(readFileSync(join(root!, name, 'config.json'), 'utf8')) as Record<
      string,
      unknown
    >
    const file = readFileSync(join(root!, name, 'model.safetensors'))
    const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString()) as object
    const names = Object.keys(header).filter((key) => key !== '__metadata__')
    // As a body alone is published: without the prefix that the class with a head has.
    const prefix = `${String(config.model_type)}.`
    const bodyNames = names.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
    const body = unwrap(parseModelConfig(config, bodyNames))
    expect(headClass(body.family, task)).toBe(figures.class)
    const weights = headWeights(body, config, task, new Map())
    expect(weights.map((weight) => weight.name).sort()).toEqual(names.sort())
  },
)

test('a head that transformers has not keeps the names of its body, and no class claims it', () => {
  const config = {
    ...{ model_type: 'bert', architectures: ['BertModel'], vocab_size: 9, hidden_size: 4 },
    ...{ num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 8, max_position_embeddings: 8 },
  }
  const task = { kind: 'sequence-classes', classes: 2, isAveraged: true } as const
  const model = unwrap(parseModelConfig(config, ['embeddings.word_embeddings.weight']))
  const names = headWeights(model, config, task, new Map()).map(({ name }) => name)
  expect(names[0]).toBe('embeddings.word_embeddings.weight')
  // Not `classifier`: BertForSequenceClassification would take it for a layer on its pooler.
  expect(names.slice(-2)).toEqual(['mean_classifier.weight', 'mean_classifier.bias'])
  expect(headConfig(config, task, ['a', 'b'])).toMatchObject({
    architectures: ['BertModel'],
    id2label: { 0: 'a', 1: 'b' },
    label2id: { a: 0, b: 1 },
  })
  expect(headClass('granite', { kind: 'token-classes', classes: 2 })).toBeNull()
})
