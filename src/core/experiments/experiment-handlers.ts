// Every run there was: listed, compared, traced back, annotated, put into the bin. Works from the journal alone, with no
// model and nothing running. What only reads looks into an opened foreign journal too; what changes never does.
import type { JournalReader } from '#journal/reader.ts'
import { type CallInput, type CallOutput, mostCompared, type SomeHandlers } from '#shared/contract/index.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import { attempt, attemptAsync, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { compareRuns } from './compare-runs.ts'
import { createComparedAnswers } from './compared-answers.ts'
import { readLineage } from './lineage.ts'
import { readOverlayCurves } from './overlay-curves.ts'
import { removeRuns } from './remove-runs.ts'
import { readTimeline } from './timeline.ts'

type ReadingCalls =
  | 'experiments.list'
  | 'experiments.ids'
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

/** Runs whose settings and figures are given at once: each takes about a millisecond. */
const comparedAtOnce = 200

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
    'experiments.ids': ({ journal, ...query }) => attempt(() => listedIds(readerOf(journal), query)),
    'experiments.curves': ({ runIds, journal, ...question }) =>
      attempt(() => ({ curves: readOverlayCurves(readerOf(journal), runIds, question) })),
    'experiments.compare': ({ runIds, journal }) =>
      attempt(() => compareRuns(readerOf(journal), runIds.slice(0, comparedAtOnce))),
    'experiments.answers': ({ runIds, journal, ...page }) =>
      attemptAsync(async () => comparedAnswers(readerOf(journal), runIds, page)),
    'experiments.lineage': ({ runId, journal }) => attempt(() => readLineage(readerOf(journal), runId)),
    'experiments.timeline': ({ projectId, journal, offset, limit }) =>
      attempt(() =>
        readTimeline(readerOf(journal), { projectId, offset, limit }, (studyId) =>
          journals.stoodOf(journal, studyId),
        ),
      ),
  }
}

/** As `experiments.list` has them: pinned runs first. */
function listedIds(
  reader: JournalReader,
  query: Omit<CallInput<'experiments.ids'>, 'journal'>,
): CallOutput<'experiments.ids'> {
  const find = (part: RunQuery) => unwrap(reader.listRuns({ ...query, ...part, limit: mostCompared }))
  const parts = query.isPinned === undefined ? [{ isPinned: true }, { isPinned: false }] : [{}]
  const found = parts.map(find)
  return {
    runIds: found.flatMap(({ runs }) => runs.map(({ id }) => id)).slice(0, mostCompared),
    total: found.reduce((sum, { total }) => sum + total, 0),
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
