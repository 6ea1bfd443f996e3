// Messages to and from the process that makes a vector of each text.
import { z } from 'zod'
import { childCommand, childEvents } from './child-protocol.ts'

/** How the states of a text's tokens become one: their mean, that of the first token, or that of the last. */
export const poolings = ['mean', 'cls', 'last'] as const
export const pooling = z.enum(poolings)
export type Pooling = z.output<typeof pooling>

export const embedderJob = z.strictObject({
  /** Folder with model.safetensors, config.json, tokenizer.json, tokenizer_config.json. */
  modelFolder: z.string(),
  /** A folder of this job for the backend's files; the caller removes it afterwards. */
  workFolder: z.string(),
  threads: z.int().min(1).max(256),
  /** Of a longer text the beginning counts, special tokens at its ends stay. */
  maxTokens: z.int().min(8),
  /** null: the mean of an encoder, the last token of a decoder, which alone has seen the whole text. */
  pooling: pooling.nullable(),
  texts: z.array(z.string()),
})
export type EmbedderJob = z.output<typeof embedderJob>

export const embedderCommand = childCommand(embedderJob)

export const embedderEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  z.strictObject({
    kind: z.literal('plan'),
    /** Numbers in each vector. */
    width: z.int(),
    pooling,
    /** Indices of the texts that were longer than allowed. */
    cut: z.array(z.int()),
    backend: z.string(),
  }),
  z.strictObject({
    kind: z.literal('vectors'),
    /** Texts that these vectors are of, not in the order of the job. */
    indices: z.array(z.int()),
    /** [indices, width], each of length 1. */
    vectors: z.instanceof(Float32Array),
    done: z.int(),
    total: z.int(),
  }),
  z.strictObject({ kind: z.literal('finished') }),
])
export type EmbedderEvent = z.output<typeof embedderEvent>
