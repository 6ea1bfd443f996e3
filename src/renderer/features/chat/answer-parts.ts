// An answer in parts: prose, and code between lines of three backticks. Nothing else of Markdown is read: links, pictures
// and HTML stay the characters that they are. Pure.
export interface AnswerPart {
  readonly kind: 'prose' | 'code'
  readonly text: string
}

/** Code that is not closed (yet) runs to the end. */
export function answerParts(text: string): AnswerPart[] {
  const parts: AnswerPart[] = []
  let kind: AnswerPart['kind'] = 'prose'
  let lines: string[] = []
  const close = (): void => {
    const part = lines.join('\n')
    if (kind === 'code' || part.trim() !== '')
      parts.push({ kind, text: kind === 'code' ? part : trimLines(part) })
    lines = []
  }
  for (const line of text.split('\n'))
    if (/^ {0,3}```/u.test(line)) {
      close()
      kind = kind === 'code' ? 'prose' : 'code'
    } else lines.push(line)
  close()
  return parts
}

const trimLines = (text: string): string => text.replace(/^\n+|\n+$/gu, '')
