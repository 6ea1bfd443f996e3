// Whom one can talk with: the models that are here, and runs that made something of one. For a run also questions to begin
// with, out of rows that it did not learn from.
import type { ChatPartner, SomeHandlers } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/index.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { listModels } from '../models/model-library.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { hasClassHead } from '../training/method-of.ts'
import { hasTunedVersion } from '../training/tuned-version.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { suggestQuestions } from './suggest-questions.ts'

const shownRuns = 50
/** Rows that are looked at for questions. */
const lookedAtRows = 200

export function createPartnerHandlers(
  context: WorkstationContext,
): SomeHandlers<'chat.partners' | 'chat.ofRun'> {
  const { library, reader } = context

  async function suggestionsOf({ recipe, datasetFingerprint }: RunDetail) {
    const rows = await readSplit(datasetFolder(library, datasetFingerprint), 'validation')
    if (!rows.ok) return []
    const scenario = scenarioOf(recipe.scenario)
    return suggestQuestions(
      rows.value.slice(0, lookedAtRows).flatMap((row) => scenario.toExamples(row, recipe.instruction)),
    )
  }

  return {
    'chat.partners': () =>
      attemptAsync(async () => {
        const { models } = await listModels(library)
        const query = { statuses: ['finished', 'cancelled'] as const, limit: shownRuns }
        const { runs } = unwrap(reader.listRuns({ ...query, statuses: [...query.statuses] }))
        return {
          runs: runs
            .map(({ id }) => unwrap(reader.getRun(id)))
            .filter(canTalk)
            .map((run) => partnerOfRun(run, models)),
          models: models.map((model) => ({ ...partOfModel(model), run: null })),
        }
      }),
    'chat.ofRun': ({ runId }) =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        const { models } = await listModels(library)
        return { partner: partnerOfRun(run, models), suggestions: await suggestionsOf(run) }
      }),
  }
}

/** A new last layer names labels, and writes nothing. */
const canTalk = (run: RunDetail): boolean => hasTunedVersion(run) && !hasClassHead(run.recipe.method)

const partOfModel = ({ id, name, hasChatTemplate }: ModelManifest) => ({
  modelId: id,
  modelName: name,
  isModelHere: true,
  hasChatTemplate,
})

function partnerOfRun(run: RunDetail, models: readonly ModelManifest[]): ChatPartner {
  const { id, name, projectId, projectName, createdAtMs, modelId, modelName } = run
  const model = models.find((one) => one.id === modelId)
  return {
    ...(model ? partOfModel(model) : { modelId, modelName, isModelHere: false, hasChatTemplate: true }),
    run: {
      id,
      name,
      projectId,
      projectName,
      createdAtMs,
      hasAdapter: hasTunedVersion(run),
      namesLabels: hasClassHead(run.recipe.method),
      instruction: run.recipe.instruction,
    },
  }
}
