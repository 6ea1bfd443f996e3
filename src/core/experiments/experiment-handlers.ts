// Every run there was: listed, compared, traced back, annotated, put into the bin. Works from the journal alone, with no
// model and nothing running. What only reads looks into an opened foreign journal too; what changes never does.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput, SomeHandlers } from '#shared/contract/index.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import { attempt, attemptAsync, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { readableProof } from '../proof/proof-journal.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { compareMetrics } from './compare-metrics.ts'
import { compareSettings } from './compare-settings.ts'
import { createComparedAnswers } from './compared-answers.ts'
import { type CurveAxis, placeCurve, type Wait } from './curve-axes.ts'
import { readLineage } from './lineage.ts'
import { removeRuns } from './remove-runs.ts'
import { type LabelOf, runLabels } from './run-labels.ts'
import { readTimeline } from './timeline.ts'

type ReadingCalls =
  | 'experiments.list'
  | 'experiments.facets'
  | 'experiments.curves'
  | 'experiments.compare'
  | 'experiments.answers'
  | 'experiments.lineage'
  | 'experiments.timeline'
type ChangingCalls =
  | 'experiments.edit'
  | 'experiments.remove'
  | 'experiments.views'
  | 'experiments.saveView'
  | 'experiments.removeView'

/** Points of each curve in an overlay: more than a chart has pixels for. */
const overlayPoints = 400
/** A run waits for space on a disk, or for a person; so often that nobody follows it any more. */
const mostWaits = 1000

/** What of the workstation reading needs: the library for prompts, and the journals that are open. */
type ReadingContext = Pick<WorkstationContext, 'library' | 'journals'>

export const createExperimentHandlers = (
  context: WorkstationContext,
): SomeHandlers<ReadingCalls | ChangingCalls> => ({
  ...readingHandlers(context),
  ...changingHandlers(context),
})

function readingHandlers({ library, journals }: ReadingContext): SomeHandlers<ReadingCalls> {
  const { readerOf } = journals
  const comparedAnswers = createComparedAnswers(library)
  return {
    'experiments.list': ({ journal, ...query }) =>
      attempt(() => {
        const { rows, total } = unwrap(readerOf(journal).experiments(query))
        return { rows: [...rows], total }
      }),
    'experiments.facets': ({ journal }) =>
      attempt(() => {
        const reader = readerOf(journal)
        const count = (query: RunQuery): number => unwrap(reader.listRuns({ ...query, limit: 1 })).total
        const runs = count({})
        const withTrials = count({ hasTrials: true })
        const archived = count({ hasTrials: true, archived: 'only' })
        return { runs, trials: withTrials - runs, archived, ...unwrap(reader.facets()) }
      }),
    'experiments.curves': ({ runIds, journal, axis }) =>
      attempt(() => {
        const reader = readerOf(journal)
        const labelOf = runLabels(reader, runIds)
        return { curves: runIds.map((runId) => overlayCurveOf(reader, runId, axis, labelOf)) }
      }),
    'experiments.compare': ({ runIds, journal }) => attempt(() => compareRuns(readerOf(journal), runIds)),
    'experiments.answers': ({ runIds, journal, ...page }) =>
      attemptAsync(async () => comparedAnswers(readerOf(journal), runIds, page)),
    'experiments.lineage': ({ runId, journal }) => attempt(() => readLineage(readerOf(journal), runId)),
    'experiments.timeline': ({ projectId, journal, offset, limit }) =>
      attempt(() => readTimeline(readerOf(journal), { projectId, offset, limit })),
  }
}

function overlayCurveOf(reader: JournalReader, runId: string, axis: CurveAxis, labelOf: LabelOf) {
  const curve = unwrap(reader.thinCurve(runId, overlayPoints))
  const waits = axis === 'time' ? waitsOf(reader, runId) : []
  return { runId, name: labelOf(unwrap(reader.getRun(runId))), ...placeCurve(curve, axis, waits) }
}

/** Between a "paused" event and the "resumed" one after it; one that an attempt ended in waits within none. */
function waitsOf(reader: JournalReader, runId: string): Wait[] {
  const of = (kind: string) => unwrap(reader.eventsOfKind(runId, kind, mostWaits))
  const resumed = of('resumed')
  return of('paused').flatMap(({ seq, attempt: during, atMs }) => {
    const end = resumed.find((event) => event.seq > seq && event.attempt === during)
    return end === undefined ? [] : [{ fromMs: atMs, toMs: end.atMs }]
  })
}

function compareRuns(reader: JournalReader, runIds: readonly string[]): CallOutput<'experiments.compare'> {
  const runs = runIds.map((runId) => unwrap(reader.getRun(runId)))
  const names = new Map(
    unwrap(reader.datasets()).map(({ fingerprint, sourceName }) => [fingerprint, sourceName]),
  )
  const isSame = (values: readonly string[]) => new Set(values).size === 1
  const proved = runs.map(({ id, datasetFingerprint }) => ({
    datasetFingerprint,
    summary: readableProof(unwrap(reader.comparisons(id))),
  }))
  return {
    settings: compareSettings(
      runs.map(({ recipe }) => recipe),
      (fingerprint) => names.get(fingerprint) ?? fingerprint,
    ),
    sameData: isSame(runs.map(({ datasetFingerprint }) => datasetFingerprint)),
    sameModel: isSame(runs.map(({ modelId }) => modelId)),
    ...compareMetrics(proved),
  }
}

const onlyLookedInto = (runId: string): Problem => ({
  code: 'run.unknown',
  message: 'This run is in another journal that you only look into, so nothing of it can be changed.',
  where: runId,
  remedy: 'Add the runs of that journal to yours in Settings, part "Journal": then this one can be changed.',
})

function changingHandlers(context: WorkstationContext): SomeHandlers<ChangingCalls> {
  const { reader, writer, journals, emit } = context
  const requireOwn = (runId: string): void => {
    if (!reader.getRun(runId).ok && journals.hasRun(runId)) throw new ProblemError(onlyLookedInto(runId))
  }
  const views = () => ({ views: unwrap(reader.savedViews()) })
  return {
    'experiments.edit': ({ runId, name, notes, tags, ...marks }) =>
      attempt(() => {
        requireOwn(runId)
        if (name !== undefined) unwrap(writer.renameRun(runId, name))
        if (notes !== undefined) unwrap(writer.setNotes(runId, notes))
        if (tags !== undefined) unwrap(writer.setTags(runId, tags))
        if (Object.keys(marks).length > 0) unwrap(writer.markRun(runId, marks))
        emit('experiments.changed', { runId })
        return unwrap(reader.experiment(runId))
      }),
    'experiments.remove': ({ runIds }) =>
      attemptAsync(async () => {
        for (const runId of runIds) requireOwn(runId)
        const outcome = await removeRuns(context, runIds)
        emit('experiments.changed', { runId: null })
        return outcome
      }),
    'experiments.views': () => attempt(views),
    'experiments.saveView': (view) =>
      attempt(() => {
        unwrap(writer.saveView(view))
        return views()
      }),
    'experiments.removeView': ({ name }) =>
      attempt(() => {
        unwrap(writer.removeView(name))
        return views()
      }),
  }
}
