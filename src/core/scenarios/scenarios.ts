// The table of scenarios. A new one is a file beside this and a line here; the compiler asks for it by its id.
import type { DataFacts } from '#shared/dataset.ts'
import { type ScenarioId, scenarioIds } from '#shared/recipe.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { chatbot } from './chatbot.ts'
import { classification } from './classification.ts'
import { code } from './code.ts'
import { creativeWriting } from './creative-writing.ts'
import { domain } from './domain.ts'
import { entityRecognition } from './entity-recognition.ts'
import { questionAnswering } from './question-answering.ts'
import type { Scenario } from './scenario.ts'
import { summarisation } from './summarisation.ts'
import { translation } from './translation.ts'

const scenarios: Readonly<Record<ScenarioId, Scenario>> = {
  classification,
  'question-answering': questionAnswering,
  translation,
  summarisation,
  'entity-recognition': entityRecognition,
  chatbot,
  'creative-writing': creativeWriting,
  code,
  domain,
}

export const scenarioOf = (id: ScenarioId): Scenario => scenarios[id]

export const allScenarios: readonly Scenario[] = scenarioIds.map((id) => scenarios[id])

/** What the instruction of these rows can be written from. */
export const factsOf = (
  scenario: Scenario,
  rows: readonly DatasetRow[],
  columns: Readonly<Record<string, string>>,
): DataFacts => ({
  labels: [...(scenario.labelsOf(rows) ?? [])],
  sourceLanguages: [],
  targetLanguages: [],
  ...scenario.factsOf?.(rows, columns),
})

export type { InstructionFacts, RecordReading, Scenario, ScenarioRole } from './scenario.ts'
