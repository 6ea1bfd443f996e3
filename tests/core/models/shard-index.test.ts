// Shard indexes: plain file names only, so that no value can lead out of the folder (safety.md P15).
import { describe, expect, it } from 'vitest'
import { openWeights } from '#core/models/shards.ts'
import { parseModelConfig } from '#engine/index.ts'
import { attemptAsync, type Problem, unwrap } from '#shared/result.ts'
import { freshFolder, problemOf } from './places.ts'
import { shardedFiles, tinyConfig, writeFiles } from './tiny-model.ts'

const config = unwrap(parseModelConfig(tinyConfig))

async function problemOfIndex(text: string): Promise<Problem> {
  const files = shardedFiles().set('model.safetensors.index.json', new TextEncoder().encode(text))
  return problemOf(await attemptAsync(() => openWeights(writeFiles(freshFolder(), files), () => config)))
}

describe('shard indexes', () => {
  it.each([
    '../model.safetensors',
    '..\\model.safetensors',
    '/etc/model.safetensors',
    'C:\\model.safetensors',
    'C:model.safetensors',
    '\\\\?\\C:\\model.safetensors',
    '\\\\server\\share\\model.safetensors',
    'folder/model.safetensors',
    './model.safetensors',
    'model.safetensors:stream',
    'CON.safetensors',
    'nul.safetensors',
    'com1.safetensors',
    'LPT9.x.safetensors',
    'model.safetensors ',
    'model.safetensors.',
    ' model.safetensors',
    '.hidden.safetensors',
    '..safetensors',
    'model.bin',
    'pytorch_model.bin',
    'model.safetensors\u0000.bin',
    'mode\u0301l.safetensors',
    'mod\u00e9l.safetensors',
    'model\u202e.safetensors',
    '%2e%2e%2fmodel.safetensors',
    '~model.safetensors',
    '$HOME.safetensors',
    `${'a'.repeat(300)}.safetensors`,
    '',
    7,
    null,
    ['model.safetensors'],
  ])('refuse the file name %j', async (file) => {
    expect(await problemOfIndex(JSON.stringify({ weight_map: { 'a.weight': file } }))).toMatchObject({
      code: 'file.unsafe',
      where: expect.stringContaining('a.weight'),
    })
  })

  it.each([
    ['no JSON', 'weights', 'model.invalid-config'],
    ['nothing', '', 'model.invalid-config'],
    ['no weight_map', '{}', 'model.missing-tensor'],
    ['weight_map a list', '{"weight_map":[]}', 'model.missing-tensor'],
    ['no tensors', '{"weight_map":{}}', 'model.missing-tensor'],
    ['a file that is not there', '{"weight_map":{"a":"a..b.safetensors"}}', 'model.missing-tensor'],
    ['a tensor twice', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', 'model.invalid-config'],
    [
      'a tensor without a name',
      '{"weight_map":{"":"model-00001-of-00002.safetensors"}}',
      'model.missing-tensor',
    ],
    [
      'a size of 2^53',
      '{"metadata":{"total_size":9007199254740993},"weight_map":{"a":"x.safetensors"}}',
      'model.invalid-config',
    ],
    ['deep nesting', `{"metadata":${'['.repeat(100)}`, 'model.invalid-config'],
    ['17 MiB', ' '.repeat(17 << 20), 'limit.exceeded'],
  ])('refuse %s', async (_name, text, code) => {
    expect(await problemOfIndex(text)).toMatchObject({ code })
  })
})
