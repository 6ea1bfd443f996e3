// Talking with a model, and with what a run made of it, side by side. Nothing that is said is kept.
import { z } from 'zod'
import { chatEnds, chatQuestion } from '../chat-protocol.ts'
import { timeMs } from '../fields.ts'
import { proofSide } from '../proof-protocol.ts'
import { chatMessage } from '../rows.ts'
import { call, id, nothing } from './define.ts'
import { modelWay } from './models.ts'

export type ChatSide = z.output<typeof proofSide>

/** Whom one can talk with: a model, or a model and what a run made of it. */
export const chatPartner = z.strictObject({
  modelId: id,
  modelName: z.string(),
  /** False where the model was removed from this computer. */
  isModelHere: z.boolean(),
  way: modelWay,
  run: z
    .strictObject({
      id,
      name: z.string(),
      projectId: id,
      projectName: z.string(),
      createdAtMs: timeMs,
      hasAdapter: z.boolean(),
      /** It trained a last layer that names labels: there is nothing to talk with. */
      namesLabels: z.boolean(),
      /** What the model was told before every row, and is told before a conversation. */
      instruction: z.string(),
    })
    .nullable(),
})
export type ChatPartner = z.output<typeof chatPartner>

/** A question out of rows that the run did not learn from, and the answer that stands there. */
export const chatSuggestion = z.strictObject({ text: z.string(), answer: z.string() })
export type ChatSuggestion = z.output<typeof chatSuggestion>

const { seed, temperature, maxTokens } = chatQuestion.shape

export const chatCalls = {
  /** Runs with an adapter, newest first and at most 50, and every model. */
  'chat.partners': call(
    nothing,
    z.strictObject({ runs: z.array(chatPartner), models: z.array(chatPartner) }),
  ),
  'chat.ofRun': call(
    z.strictObject({ runId: id }),
    z.strictObject({ partner: chatPartner, suggestions: z.array(chatSuggestion) }),
  ),
  /** Answers come by `chat.piece`; both sides use the same seed. An answer that is still being written is stopped. */
  'chat.send': call(
    z.strictObject({
      modelId: id,
      /** The run whose adapter is the tuned side; null chats with the model alone. */
      runId: id.nullable(),
      /** Each side has read its own answers only, so each has a conversation of its own. */
      sides: z
        .array(z.strictObject({ side: proofSide, messages: z.array(chatMessage).min(1).max(200) }))
        .min(1)
        .max(2),
      seed: seed.default(1),
      temperature: temperature.default(0),
      maxTokens: maxTokens.default(256),
    }),
    z.strictObject({ chatId: id }),
  ),
  /** The answer ends at once; what comes after is not told any more. */
  'chat.stop': call(z.strictObject({ chatId: id }), nothing),
} as const

export const chatEvents = {
  'chat.piece': z.strictObject({
    chatId: id,
    side: proofSide,
    text: z.string(),
    /** Set with the last piece of a side. */
    ended: z.enum([...chatEnds, 'failed']).nullable(),
    sentence: z.string().nullable(),
  }),
} as const
