// Every run there was: listed, compared, annotated, put into the bin. Works from the journal alone, with no model and
// nothing running.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attempt, attemptAsync, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { compareSettings } from './compare-settings.ts'
import { removeRuns } from './remove-runs.ts'

type ExperimentCalls =
  | 'experiments.list'
  | 'experiments.facets'
  | 'experiments.edit'
  | 'experiments.curves'
  | 'experiments.compare'
  | 'experiments.remove'

/** Points of each curve in an overlay: more than a chart has pixels for. */
const overlayPoints = 400

export function createExperimentHandlers(context: WorkstationContext): SomeHandlers<ExperimentCalls> {
  const { reader, writer, emit } = context
  return {
    'experiments.list': (query) =>
      attempt(() => {
        const { rows, total } = unwrap(reader.experiments(query))
        return { rows: [...rows], total }
      }),
    'experiments.facets': () =>
      attempt(() => {
        const { total } = unwrap(reader.listRuns({ limit: 1 }))
        return { total, ...unwrap(reader.facets()) }
      }),
    'experiments.edit': ({ runId, name, notes, tags }) =>
      attempt(() => {
        if (name !== undefined) unwrap(writer.renameRun(runId, name))
        if (notes !== undefined) unwrap(writer.setNotes(runId, notes))
        if (tags !== undefined) unwrap(writer.setTags(runId, tags))
        emit('experiments.changed', { runId })
        return unwrap(reader.experiment(runId))
      }),
    'experiments.curves': ({ runIds }) =>
      attempt(() => ({
        curves: runIds.map((runId) => {
          const { train, validation } = unwrap(reader.thinCurve(runId, overlayPoints))
          const point = ({ step, lossNats }: { step: number; lossNats: number }): [number, number] => [
            step,
            lossNats,
          ]
          return {
            runId,
            name: unwrap(reader.getRun(runId)).name,
            train: train.map(point),
            validation: validation.map(point),
          }
        }),
      })),
    'experiments.compare': ({ runIds }) =>
      attempt(() => {
        const runs = runIds.map((runId) => unwrap(reader.getRun(runId)))
        const names = new Map(
          unwrap(reader.datasets()).map(({ fingerprint, sourceName }) => [fingerprint, sourceName]),
        )
        const isSame = (values: readonly string[]) => new Set(values).size === 1
        return {
          settings: compareSettings(
            runs.map(({ recipe }) => recipe),
            (fingerprint) => names.get(fingerprint) ?? fingerprint,
          ),
          sameData: isSame(runs.map(({ datasetFingerprint }) => datasetFingerprint)),
          sameModel: isSame(runs.map(({ modelId }) => modelId)),
        }
      }),
    'experiments.remove': ({ runIds }) =>
      attemptAsync(async () => {
        const outcome = await removeRuns(context, runIds)
        emit('experiments.changed', { runId: null })
        return outcome
      }),
  }
}
