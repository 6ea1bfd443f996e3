// A fixed handful of examples to put before a question: the same for every row, chosen from the training rows once. Pure.
import { counterRandom } from '#engine/index.ts'
import type { ChatMessage, PromptedExample } from '#shared/rows.ts'
import type { WayOfAsking } from '../proof/measured-answers.ts'

/** Longer examples would leave no room for the question. */
const exampleCharacters = 600

/**
 * At most `shots` examples: short ones, in an order that `seed` decides, of different answers first, so that every label
 * is seen before one comes twice.
 */
export function chooseExamples(
  examples: readonly PromptedExample[],
  shots: number,
  seed: number,
): PromptedExample[] {
  const random = counterRandom(seed, 'few-shot examples')
  const lengthOf = ({ prompt, answer }: PromptedExample): number =>
    prompt.reduce((sum, { role, content }) => sum + (role === 'system' ? 0 : content.length), answer.length)
  const order = examples
    .map((example, index) => ({ example, place: random(index) }))
    .filter(({ example }) => example.prompt.length > 0 && lengthOf(example) <= exampleCharacters)
    .sort((a, b) => a.place - b.place)
    .map(({ example }) => example)
  const seen = new Set<string>()
  const firsts = order.filter(({ answer }) => !seen.has(answer) && seen.add(answer))
  return [...firsts, ...order.filter((example) => !firsts.includes(example))].slice(0, shots)
}

/** At most `most` of the rows, in equal steps over all of them: a file is often sorted by its labels. */
export const spreadOver = <Row>(rows: readonly Row[], most: number): Row[] =>
  rows.length <= most
    ? [...rows]
    : Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]!)

/** Asks with these examples as earlier turns of the conversation, after the instruction. */
export const withExamples = (chosen: readonly PromptedExample[]): WayOfAsking => ({
  name: 'few-shot',
  prompt({ prompt }) {
    const system = prompt.filter(({ role }) => role === 'system')
    const rest = prompt.filter(({ role }) => role !== 'system')
    const turns = chosen.flatMap((example): ChatMessage[] => [
      ...example.prompt.filter(({ role }) => role !== 'system'),
      { role: 'assistant', content: example.answer },
    ])
    return [...system, ...turns, ...rest]
  },
})
