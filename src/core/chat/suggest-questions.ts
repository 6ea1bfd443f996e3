// Which of a run's own rows are good to begin a conversation with: those that are one message, not too long to read, and
// whose answers differ, so that a person sees what the run learnt. Pure.
import type { ChatSuggestion } from '#shared/contract/index.ts'
import type { PromptedExample } from '#shared/rows.ts'

const most = 3
/** A longer text fills the screen before its answer comes. */
const longestCharacters = 1500

export function suggestQuestions(examples: readonly PromptedExample[]): ChatSuggestion[] {
  const found = new Map<string, ChatSuggestion>()
  for (const { prompt, answer } of examples) {
    const said = prompt.filter(({ role }) => role !== 'system')
    const [question] = said
    if (said.length !== 1 || question === undefined || question.content.length > longestCharacters) continue
    if (!found.has(question.content)) found.set(question.content, { text: question.content, answer })
  }
  const all = [...found.values()]
  const differing = all.filter(({ answer }, at) => all.findIndex((one) => one.answer === answer) === at)
  return [...new Set([...differing, ...all])].slice(0, most)
}
