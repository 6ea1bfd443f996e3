// The sample rows that come with the program, one set for each scenario.
import { readFileSync } from 'node:fs'
import type { ScenarioId } from '#shared/recipe.ts'
import { resourcePath } from '../system/program-places.ts'

export interface Sample {
  readonly path: string
  readonly fileName: string
  readonly rows: number
  readonly charactersPerRow: number
}

const places: Readonly<Record<ScenarioId, readonly [folder: string, file: string]>> = {
  classification: ['bike-shop-messages', 'messages.csv'],
  'question-answering': ['boat-club-questions', 'questions.jsonl'],
  translation: ['garden-centre-translations', 'garden-centre-translations.csv'],
  summarisation: ['council-minutes-summaries', 'council-minutes-summaries.jsonl'],
  'entity-recognition': ['recipe-card-entities', 'recipe-card-entities.jsonl'],
  chatbot: ['valley-railway-chats', 'chats.jsonl'],
  'creative-writing': ['lighthouse-notes', 'notes.jsonl'],
  code: ['everyday-helpers-code', 'helpers.jsonl'],
  domain: ['bell-foundry-handbook', 'handbook.jsonl'],
}

const known = new Map<ScenarioId, Sample>()

/** Rows are lines that hold something, without the heading of a table. */
export function sampleOf(scenario: ScenarioId): Sample {
  const place = places[scenario]
  const found = known.get(scenario)
  if (found !== undefined) return found
  const path = resourcePath('samples', ...place)
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n').filter((line) => line.trim() !== '').length
  const rows = path.endsWith('.csv') ? lines - 1 : lines
  const sample = { path, fileName: place[1], rows, charactersPerRow: text.length / rows }
  known.set(scenario, sample)
  return sample
}
