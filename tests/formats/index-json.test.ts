// Shard indexes: plain file names only, so that no value can lead out of the folder (safety.md P15).
import { describe, expect, it } from 'vitest'
import { parseShardIndex } from '#formats/index-json.ts'
import { unwrap } from '#shared/result.ts'

const indexOf = (file: unknown): string => JSON.stringify({ metadata: {}, weight_map: { 'a.weight': file } })

describe('shard indexes', () => {
  it('name the file of every tensor', () => {
    const text = JSON.stringify({
      metadata: { total_size: 1.5e10 },
      weight_map: {
        'model.a': 'model-00001-of-00002.safetensors',
        __proto__x: 'model-00002-of-00002.safetensors',
      },
    })
    expect([...unwrap(parseShardIndex(`${text}\n`))]).toEqual([
      ['model.a', 'model-00001-of-00002.safetensors'],
      ['__proto__x', 'model-00002-of-00002.safetensors'],
    ])
  })

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
    'a..b.safetensors',
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
  ])('refuse the file name %j', (file) => {
    expect(parseShardIndex(indexOf(file))).toMatchObject({
      ok: false,
      problem: { code: 'safetensors.invalid', where: expect.stringContaining('a.weight') },
    })
  })

  it.each([
    ['no JSON', 'weights', 'safetensors.invalid'],
    ['nothing', '', 'safetensors.invalid'],
    ['no weight_map', '{}', 'safetensors.invalid'],
    ['weight_map a list', '{"weight_map":[]}', 'safetensors.invalid'],
    ['no tensors', '{"weight_map":{}}', 'safetensors.invalid'],
    ['a tensor twice', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', 'safetensors.invalid'],
    ['a tensor without a name', '{"weight_map":{"":"x.safetensors"}}', 'safetensors.invalid'],
    [
      'a size of 2^53',
      '{"metadata":{"total_size":9007199254740993},"weight_map":{"a":"x.safetensors"}}',
      'safetensors.invalid',
    ],
    ['deep nesting', `{"metadata":${'['.repeat(100)}`, 'safetensors.invalid'],
    ['17 MiB', ' '.repeat(17 << 20), 'limit.exceeded'],
  ])('refuse %s', (_name, text, code) => {
    const result = parseShardIndex(text)
    expect(result.ok ? null : result.problem).toMatchObject({ code })
  })
})
