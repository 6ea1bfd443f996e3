// A T5 of two small blocks on each side with seeded random weights and a Unigram tokenizer as T5 has it (pieces begin with
// a mark for white space, texts end with </s>), written as a model folder. Made here, so that tests need no download.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { counterRandom, parameterShapes, parseModelConfig } from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'

const special = ['<pad>', '</s>', '<unk>']
const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?\'"()-{}']
const words = ['the', 'my', 'is', 'money', 'shipping', 'access', 'en', 'ing']
const pieces: readonly (readonly [piece: string, score: number])[] = [
  ...special.map((piece) => [piece, 0] as const),
  ['▁', -2],
  ...words.flatMap((word) => [[`▁${word}`, -3] as const, [word, -4] as const]),
  ...letters.map((letter) => [letter, -6] as const),
]
const idOf = (piece: string): number => pieces.findIndex(([known]) => known === piece)

const hfConfig = {
  model_type: 't5',
  architectures: ['T5ForConditionalGeneration'],
  is_encoder_decoder: true,
  vocab_size: 96,
  d_model: 32,
  d_ff: 64,
  d_kv: 8,
  num_heads: 4,
  num_layers: 2,
  num_decoder_layers: 2,
  feed_forward_proj: 'gated-gelu',
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 32,
  n_positions: 512,
  layer_norm_epsilon: 1e-6,
  tie_word_embeddings: false,
  decoder_start_token_id: 0,
  pad_token_id: 0,
  eos_token_id: 1,
  torch_dtype: 'float32',
}

const tokenizer = {
  version: '1.0',
  added_tokens: special.map((content, id) => ({
    ...{ id, content, special: true },
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  })),
  normalizer: null,
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    ],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
  },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  model: { type: 'Unigram', unk_id: idOf('<unk>'), vocab: pieces, byte_fallback: false },
}

const tokenizerConfig = {
  tokenizer_class: 'T5TokenizerFast',
  eos_token: '</s>',
  pad_token: '<pad>',
  unk_token: '<unk>',
}

export function writeTinyT5(folder: string): string {
  const config = unwrap(parseModelConfig(hfConfig, ['shared.weight', 'lm_head.weight']))
  const tensors = new Map(
    parameterShapes(config).map(({ name, shape }) => {
      const random = counterRandom(4, name)
      const isNorm = name.includes('layer_norm')
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
        isNorm ? 0.8 + 0.4 * random(i) : (random(i) - 0.5) * 0.5,
      )
      return [name, { shape: [...shape], data }] as const
    }),
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors))
  for (const [name, value] of Object.entries({
    'config.json': hfConfig,
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': tokenizerConfig,
  }))
    writeFileSync(join(folder, name), JSON.stringify(value))
  return folder
}
