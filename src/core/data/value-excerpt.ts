// The beginning of a row's value as a person reads it: of a conversation what was said, not the JSON that holds it.
import { z } from 'zod'
import { excerptOf } from '#formats/table-types.ts'
import { chatMessage } from '#shared/rows.ts'

const conversation = z.array(chatMessage).min(1)

export function valueExcerpt(value: string): string {
  return excerptOf(wordsOf(value))
}

function wordsOf(value: string): string {
  if (!value.startsWith('[{')) return value
  try {
    const read = conversation.safeParse(JSON.parse(value))
    return read.success ? read.data.map(({ content }) => content).join(' / ') : value
  } catch {
    return value
  }
}
