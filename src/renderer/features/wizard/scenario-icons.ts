// One icon for each goal, the same on its card and in its project, and the order of the cards.
import type { ScenarioFacts } from '#shared/contract/projects.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import type { IconName } from '../../icons.ts'

export const scenarioIcons: Readonly<Record<ScenarioId, IconName>> = {
  'question-answering': 'message-circle-question-mark',
  translation: 'languages',
  summarisation: 'text-align-start',
  classification: 'tag',
  'entity-recognition': 'highlighter',
  chatbot: 'messages-square',
  'creative-writing': 'feather',
  code: 'code-xml',
  domain: 'book-open-text',
}

const order = Object.keys(scenarioIcons)

/** What most people come for first. */
export const inCardOrder = (scenarios: readonly ScenarioFacts[]): readonly ScenarioFacts[] =>
  scenarios.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
