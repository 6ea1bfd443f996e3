// Messages to and from a generator process that holds a conversation: started once, spoken to many times, ended by its
// parent.
import { z } from 'zod'
import { problem } from './problem-schema.ts'
import { hashedFolder, proofSide, tunedVersion } from './proof-protocol.ts'
import { chatMessage } from './rows.ts'

/** What a chat process keeps open: a model, and what a run made of it where there is one. */
export const chatJob = z.strictObject({
  model: hashedFolder,
  tuned: tunedVersion.nullable(),
  /** Where GGUF copies of models and adapters are kept, named by their content. */
  cacheFolder: z.string(),
  threads: z.int().min(1).max(256),
})
export type ChatJob = z.output<typeof chatJob>

export const chatQuestion = z.strictObject({
  chatId: z.string(),
  /** Each side's conversation so far; the answer to its last message is wanted. */
  sides: z
    .array(z.strictObject({ side: proofSide, messages: z.array(chatMessage).min(1) }))
    .min(1)
    .max(2),
  /** Both sides draw from the same seed. */
  seed: z.int().min(0).max(4_294_967_295),
  /** 0 always takes the likeliest token. */
  temperature: z.number().min(0).max(2),
  maxTokens: z.int().min(1).max(2048),
})
export type ChatQuestion = z.output<typeof chatQuestion>

export const chatCommand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('openChat'), job: chatJob }),
  z.strictObject({ kind: z.literal('say'), question: chatQuestion }),
  z.strictObject({ kind: z.literal('stopSaying'), chatId: z.string() }),
])
export type ChatCommand = z.output<typeof chatCommand>

export const chatEnds = ['end-of-turn', 'token-limit', 'stopped'] as const
export const chatEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('piece'),
    chatId: z.string(),
    side: proofSide,
    text: z.string(),
    /** Set with the last piece of a side. */
    ended: z.enum(chatEnds).nullable(),
  }),
  /** This answer failed; the process can be asked again. Without a chatId nothing can be asked: it ends. */
  z.strictObject({ kind: z.literal('failed'), chatId: z.string().nullable(), problem }),
])
export type ChatEvent = z.output<typeof chatEvent>
