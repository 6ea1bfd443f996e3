// Starting, following and ending runs for the screens. A run of the past is shown from the journal alone.
import type { JournalReader } from '#journal/reader.ts'
import { type SomeHandlers, sampleAnswers, type TrainingView } from '#shared/contract/index.ts'
import { isVisible } from '#shared/fields.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import { attempt, attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { showModel } from '../models/model-library.ts'
import type { FilledProject, ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import { folderBytes } from '../system/folder-size.ts'
import { asTyped, withTypedCommands } from '../system/typed-command.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { draftWithRecipe } from './adopt-recipe.ts'
import type { LiveRuns } from './live-runs.ts'
import { prepareRun } from './prepare-run.ts'
import type { PresetModel } from './presets.ts'
import { recipeOfProject } from './recipe-of-project.ts'
import { prepareRepeat, repeatOf } from './repeat-run.ts'
import { repeatabilityOf } from './repeatability.ts'
import { diagnosesByJournal } from './run-diagnosis.ts'
import { goesOnWith, livingSearchOf } from './run-of-search.ts'
import type { RunQueue } from './run-queue-port.ts'
import { launchable, runFolderOf } from './run-service.ts'
import { stateAtRest } from './run-state.ts'
import { hasTunedVersion } from './tuned-version.ts'

type TrainingCallNames =
  | 'training.start'
  | 'training.get'
  | 'training.pause'
  | 'training.resume'
  | 'training.stop'
  | 'training.continue'
  | 'training.repeat'
  | 'training.adopt'

/** More points than a chart has pixels for. */
const shownPoints = 2000
const shownNotices = 200
const shownSamples = 200

/** `noteStarted`: told of each run that was started by its plan; it may throw. */
export function createTrainingHandlers(
  context: WorkstationContext,
  runs: LiveRuns,
  queue: RunQueue,
  projects: ProjectSource,
  store: Pick<ProjectStore, 'writeDraft'>,
  noteStarted: (runId: string) => void,
): SomeHandlers<TrainingCallNames> {
  const { library, reader, writer, journals, comesBack, emit } = context

  /** Throws ProblemError where there is no such run; the new one, which nobody begins then, does not stay as one that waits. */
  function noteOrigin(runId: string, parent: string): void {
    const noted = writer.addLink({ runId, kind: 'retried-from', parent })
    if (!noted.ok) writer.setRunStatus(runId, 'cancelled')
    unwrap(noted)
  }

  /** Null where no model is chosen: the recipe says so. */
  async function modelOf({ draft: { modelId } }: FilledProject): Promise<PresetModel | null> {
    if (modelId === null) return null
    return (await readPlannedModel(library, unwrap(await showModel(library, modelId)))).config
  }

  async function view(runId: string): Promise<TrainingView> {
    const run = unwrap(reader.getRun(runId))
    const curve = unwrap(reader.thinCurve(runId, shownPoints))
    const live = runs.stateOf(runId)
    const waiting = queue.waitingReason('run', runId)
    const search = livingSearchOf(reader, run)
    const atRest = async () => {
      const diskBytes = await folderBytes(runFolderOf(library, runId))
      return stateAtRest(run, { diskBytes, ...atRestOf(reader, run, curve) })
    }
    return {
      ...recordedOf(reader, run, curve),
      state: live ?? (await atRest()),
      canContinue: live === null && waiting === null && search === null && launchable.includes(run.status),
      goesOnWith: live === null ? goesOnWith(reader, run) : null,
      hasAdapter: hasTunedVersion(run),
      waiting,
    }
  }

  /** Of another journal: nothing of the run is on this computer, and nothing of it goes on here. */
  function viewThere(runId: string, journal: string): TrainingView {
    const there = journals.readerOf(journal)
    const run = unwrap(there.getRun(runId))
    const curve = unwrap(there.thinCurve(runId, shownPoints))
    return {
      ...recordedOf(there, run, curve),
      state: stateAtRest(run, { diskBytes: 0, ...atRestOf(there, run, curve) }),
      ...{ canContinue: false, goesOnWith: null, hasAdapter: false, waiting: null },
    }
  }

  const atRestOf = (from: JournalReader, run: RunDetail, curve: RunCurve) => ({
    diagnoses: diagnosesByJournal(run, curve, from),
    workedMs: unwrap(from.timeAtWork(run.id)),
  })

  const recordedOf = (from: JournalReader, run: RunDetail, curve: RunCurve) => ({
    run: detailOf({ ...run, determinism: repeatabilityOf(from, run) }),
    train: [...curve.train],
    validation: [...curve.validation],
    samples: samplesOf(from, run.id),
    notices: noticesOf(from, run.id),
    number: numberOf(from, run.id),
    repeat: repeatThere(from, run),
  })

  const numberOf = (from: JournalReader, runId: string): number | null =>
    unwrap(from.runNumbers([runId])).get(runId) ?? null

  function repeatThere(from: JournalReader, run: RunDetail): TrainingView['repeat'] {
    const found = repeatOf(from, run)
    if (found === null) return null
    const { originalId, originalName: name } = found
    return { ...found, originalName: runLabel({ name, number: numberOf(from, originalId) }) }
  }

  /** Of a step that was gone over again the later answers stand, as in the curve. */
  const samplesOf = (from: JournalReader, runId: string): TrainingView['samples'] => {
    const byStep = new Map<number, TrainingView['samples'][number]>()
    for (const { body } of unwrap(from.eventsOfKind(runId, 'samples', shownSamples))) {
      const samples = sampleAnswers.safeParse(body)
      if (samples.success) byStep.set(samples.data.step, samples.data)
    }
    return [...byStep.values()].sort((a, b) => a.step - b.step)
  }

  const noticesOf = (from: JournalReader, runId: string): TrainingView['notices'] =>
    unwrap(from.eventsOfKind(runId, 'notice', shownNotices)).flatMap(({ atMs, body }) => {
      const text = (body as { text?: unknown } | null)?.text
      return typeof text === 'string' ? [{ atMs, text: asTyped(text) }] : []
    })

  return {
    'training.start': (input) =>
      attemptAsync(async () => {
        const source = unwrap(await projects.sourceOf(input.projectId))
        const { project } = source
        const { preset, changes } = input
        const own = isVisible(project.name) ? project.name : null
        const choice = { preset, changes, name: input.name ?? own, model: await modelOf(source) }
        const recipe = unwrap(recipeOfProject(source, choice))
        const { runId } = unwrap(
          await prepareRun(recipe, { library, writer, comesBack, projectId: project.id }),
        )
        if (input.retriedFrom !== null) noteOrigin(runId, input.retriedFrom)
        unwrap(await queue.enqueueRun(runId))
        warnWhere(attempt(() => noteStarted(runId)))
        emit('projects.changed', { projectId: project.id })
        return { runId }
      }),
    'training.get': ({ runId, journal }) =>
      attemptAsync(async () => (journal === undefined ? view(runId) : viewThere(runId, journal))),
    'training.pause': ({ runId }) => runs.pause(runId),
    'training.resume': ({ runId }) => runs.resume(runId),
    'training.stop': ({ runId }) => runs.stop(runId),
    'training.continue': ({ runId }) => queue.enqueueRun(runId),
    'training.repeat': (input) =>
      attemptAsync(async () => {
        const { runId } = unwrap(await prepareRepeat(input.runId, { library, reader, writer }))
        unwrap(await queue.enqueueRun(runId))
        emit('experiments.changed', { runId })
        return { runId }
      }),
    'training.adopt': (input) =>
      attemptAsync(async () => {
        const { projectId, modelId, recipe } = unwrap(reader.getRun(input.runId))
        const source = unwrap(await projects.sourceOf(projectId))
        const { config } = await readPlannedModel(library, unwrap(await showModel(library, modelId)))
        await store.writeDraft(projectId, draftWithRecipe(source, recipe, config))
        emit('projects.changed', { projectId })
        return { projectId }
      }),
  }
}

/** A run that is under way is not to be told as one that was not started: into the log of the process. */
function warnWhere(noted: Result<void>): void {
  if (!noted.ok) process.emitWarning(`What the run goes back to could not be noted: ${noted.problem.message}`)
}

/** A run's detail as plain data: what the journal keeps as JSON is JSON. */
const detailOf = (run: RunDetail): TrainingView['run'] => ({
  ...run,
  device: run.device as TrainingView['run']['device'],
  versions: { ...run.versions },
  failure: withTypedCommands(run.failure),
})
