// The table of scenarios. A new one is a file beside this and a line here; the compiler asks for it by its id.
import { type ScenarioId, scenarioIds } from '#shared/recipe.ts'
import { classification } from './classification.ts'
import { questionAnswering } from './question-answering.ts'
import type { Scenario } from './scenario.ts'

const scenarios: Readonly<Record<ScenarioId, Scenario>> = {
  classification,
  'question-answering': questionAnswering,
}

export const scenarioOf = (id: ScenarioId): Scenario => scenarios[id]

export const allScenarios: readonly Scenario[] = scenarioIds.map((id) => scenarios[id])

export type { Scenario, ScenarioRole } from './scenario.ts'
