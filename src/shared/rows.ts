// What a data set is made of once it is in the library, and what the model reads of it.
import { z } from 'zod'

/** One usable row: where it came from, and its value for each role of the scenario (text, label, question, ...). */
export const datasetRow = z.strictObject({
  rowId: z.string(),
  /** 1-based line of the source file on which the row begins. */
  line: z.int(),
  fields: z.record(z.string(), z.string()),
})
export type DatasetRow = z.output<typeof datasetRow>

export const splitNames = ['train', 'validation', 'test'] as const
export type SplitName = (typeof splitNames)[number]

/** A row that is not used, and why, in words for the person who brought it. */
export const leftOutRow = z.strictObject({ line: z.int(), reason: z.string(), excerpt: z.string() })
export type LeftOutRow = z.output<typeof leftOutRow>

export const chatMessage = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
})
export type ChatMessage = z.output<typeof chatMessage>

/**
 * A row as the model meets it: the conversation so far, and the answer it should give. An empty prompt stands for plain
 * text: `answer` is learnt from its first to its last word, without a chat template.
 */
export interface PromptedExample {
  /** The row's id; `id#2`, `id#3`, ... for the later answers of one row. */
  readonly rowId: string
  readonly prompt: readonly ChatMessage[]
  readonly answer: string
}
