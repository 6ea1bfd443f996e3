// One icon for each goal, the same on its card and in its project.
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

/** The order of the cards: what most people come for first. */
export const scenarioOrder = Object.keys(scenarioIcons) as readonly ScenarioId[]
