// A BERT of two small layers with seeded random weights and a WordPiece tokenizer of single letters, written as a model
// folder. Made here, so that tests need no download.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { counterRandom, headShapes, parameterShapes, parseModelConfig } from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789']
const vocabulary = [...special, ...'!?.,:-', ...letters, ...letters.map((letter) => `##${letter}`)]
const idOf = (token: string): number => vocabulary.indexOf(token)

/** Hugging Face's fields. */
const hfConfig = {
  model_type: 'bert',
  architectures: ['BertModel'],
  vocab_size: vocabulary.length,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 128,
  type_vocab_size: 2,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
  torch_dtype: 'float32',
}

const tokenizer = {
  version: '1.0',
  added_tokens: special.map((content) => ({
    id: idOf(content),
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: Object.fromEntries(
      ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [idOf(id)], tokens: [id] }]),
    ),
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
}

const tokenizerConfig = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  mask_token: '[MASK]',
}

/** With the pooler, as published BERT models have it; `changes` to config.json. */
export function writeTinyEncoder(folder: string, changes: Record<string, unknown> = {}): string {
  const config = unwrap(parseModelConfig(hfConfig, ['embeddings.word_embeddings.weight']))
  const pooler = headShapes(config, { kind: 'sequence-classes', classes: 2 }).filter(({ name }) =>
    name.startsWith('pooler.'),
  )
  const tensors = new Map(
    [...parameterShapes(config), ...pooler].map(({ name, shape }) => {
      const random = counterRandom(3, name)
      const isNorm = name.endsWith('LayerNorm.weight')
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
        isNorm ? 0.8 + 0.4 * random(i) : (random(i) - 0.5) * 0.6,
      )
      return [name, { shape: [...shape], data }] as const
    }),
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors))
  for (const [name, value] of Object.entries({
    'config.json': { ...hfConfig, ...changes },
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': tokenizerConfig,
  }))
    writeFileSync(join(folder, name), JSON.stringify(value))
  return folder
}
