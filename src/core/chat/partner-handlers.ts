// Whom one can talk with: the models that are here, and runs that made something of one. For a run also questions to begin
// with, out of rows that it did not learn from.
import type { ChatPartner, SomeHandlers } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/index.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { listModels } from '../models/model-library.ts'
import { modelWay } from '../models/model-way.ts'
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

  /** Of the models that are here. One whose config cannot be read is nobody to talk with. */
  async function partsOfModels(): Promise<PartOfModel[]> {
    const { models } = await listModels(library)
    const parts = models.map(async (manifest): Promise<PartOfModel[]> => {
      const model = await readPlannedModel(library, manifest).catch(() => null)
      if (model === null) return []
      const { id: modelId, name: modelName } = manifest
      return [{ modelId, modelName, isModelHere: true, way: modelWay(manifest, model.config) }]
    })
    return (await Promise.all(parts)).flat()
  }

  return {
    'chat.partners': () =>
      attemptAsync(async () => {
        const parts = await partsOfModels()
        const query = { statuses: ['finished', 'cancelled'] as const, limit: shownRuns }
        const { runs } = unwrap(reader.listRuns({ ...query, statuses: [...query.statuses] }))
        return {
          runs: runs
            .map(({ id }) => unwrap(reader.getRun(id)))
            .filter(canTalk)
            .map((run) => partnerOfRun(run, parts)),
          models: parts.map((part) => ({ ...part, run: null })),
        }
      }),
    'chat.ofRun': ({ runId }) =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        return { partner: partnerOfRun(run, await partsOfModels()), suggestions: await suggestionsOf(run) }
      }),
  }
}

/** A new last layer names labels, and writes nothing. */
const canTalk = (run: RunDetail): boolean => hasTunedVersion(run) && !hasClassHead(run.recipe.method)

type PartOfModel = Omit<ChatPartner, 'run'>

function partnerOfRun(run: RunDetail, models: readonly PartOfModel[]): ChatPartner {
  const { id, name, projectId, projectName, createdAtMs, modelId, modelName } = run
  const model = models.find((one) => one.modelId === modelId)
  return {
    ...(model ?? { modelId, modelName, isModelHere: false, way: 'talks' }),
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
