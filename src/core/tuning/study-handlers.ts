// Searches for the screens: planned, started, followed, paused, read, taken over as the plan.
import type { SomeHandlers, StudyView } from '#shared/contract/index.ts'
import { attempt, attemptAsync, unwrap } from '#shared/result.ts'
import type { JournalStudy } from '#shared/study.ts'
import { cardsOf } from '../devices/graphics-cards-in-use.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import { lookAround } from '../devices/surroundings.ts'
import { moveFolderToBin } from '../experiments/remove-runs.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { showModel } from '../models/model-library.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import type { Library } from '../system/library.ts'
import type { RunPlanner } from '../training/run-planner.ts'
import { runFolderOf } from '../training/run-service.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { adoptedDraft } from './adopt-trial.ts'
import { planStudy, requirePlan, type Wanted } from './plan-study.ts'
import { cardOf, type LivingFacts, viewOf } from './read-study.ts'
import { startStudy } from './start-study.ts'
import { requireStudyAtRest, requireTrial } from './study-problems.ts'
import type { StudyService } from './study-service.ts'

type StudyCalls =
  | 'studies.plan'
  | 'studies.start'
  | 'studies.list'
  | 'studies.get'
  | 'studies.pause'
  | 'studies.resume'
  | 'studies.stop'
  | 'studies.edit'
  | 'studies.adopt'
  | 'studies.remove'

export interface StudyRooms {
  readonly planner: RunPlanner
  readonly projects: ProjectSource
  readonly store: Pick<ProjectStore, 'writeDraft'>
  readonly studies: StudyService
}

export function createStudyHandlers(
  context: WorkstationContext,
  { planner, projects, store, studies }: StudyRooms,
): SomeHandlers<StudyCalls> {
  const { library, reader, writer, emit } = context
  const keep = keepLast<StudyView['importance']>()

  async function plan({ projectId, ...wanted }: Wanted & { readonly projectId: string }) {
    const open = await planner.ofProject(projectId)
    const { device } = open.recipe(wanted.preset, wanted.changes)
    const cards = await cardsFor(library, device, open.model.id)
    return planStudy(open, { projectId, ...wanted }, { reader, cards, nowMs: Date.now() })
  }

  const livingOf = (study: JournalStudy): LivingFacts => ({
    waiting: studies.waitingOf(study),
    ...studies.progressOf(study),
  })
  const card = (study: JournalStudy) => cardOf(study, unwrap(reader.trials(study.id)), livingOf(study))

  return {
    'studies.plan': ({ projectId, preset, changes, ...wishes }) =>
      attemptAsync(async () => (await plan({ projectId, preset, changes, wishes })).view),
    'studies.start': ({ projectId, preset, changes, name, schedule, ...wishes }) =>
      attemptAsync(async () => {
        const planned = await requirePlan(plan({ projectId, preset, changes, wishes }))
        const { project } = unwrap(await projects.sourceOf(projectId))
        const place = { projectId, name: name ?? `Search of ${project.name}`.slice(0, 200), schedule }
        const { studyId } = await startStudy(planned, wishes, place, { library, reader, writer })
        unwrap(studies.begin(studyId))
        emit('projects.changed', { projectId })
        emit('studies.changed', { studyId })
        return { studyId }
      }),
    'studies.list': ({ projectId }) =>
      attempt(() => ({ studies: unwrap(reader.studies(projectId)).map(card) })),
    'studies.get': ({ studyId }) =>
      attempt(() => {
        const study = unwrap(reader.study(studyId))
        return viewOf(reader, study, livingOf(study), keep)
      }),
    'studies.pause': ({ studyId }) => studies.pause(studyId),
    'studies.resume': ({ studyId }) => studies.resume(studyId),
    'studies.stop': ({ studyId }) => studies.stop(studyId),
    'studies.edit': ({ studyId, name, notes, schedule }) =>
      attempt(() => {
        if (name !== undefined || notes !== undefined)
          unwrap(
            writer.changeStudy(studyId, {
              ...(name !== undefined && { name }),
              ...(notes !== undefined && { notes }),
            }),
          )
        if (schedule !== undefined) unwrap(studies.setHours(studyId, schedule))
        emit('studies.changed', { studyId })
        return card(unwrap(reader.study(studyId)))
      }),
    'studies.adopt': ({ studyId, number }) =>
      attemptAsync(async () => {
        const study = unwrap(reader.study(studyId))
        const trial = requireTrial(unwrap(reader.trials(studyId)), number)
        const { projectId, spec } = study
        const source = unwrap(await projects.sourceOf(projectId))
        const model = unwrap(await showModel(library, spec.base.model.id))
        const { config } = await readPlannedModel(library, model)
        await store.writeDraft(projectId, unwrap(adoptedDraft(source, study, trial, config)))
        if (trial.runId !== null)
          unwrap(writer.addLink({ runId: trial.runId, kind: 'winner-of', parent: studyId }))
        emit('projects.changed', { projectId })
        return { projectId }
      }),
    'studies.remove': ({ studyId }) =>
      attemptAsync(async () => {
        requireStudyAtRest(unwrap(reader.study(studyId)))
        for (const { runId } of unwrap(reader.trials(studyId)))
          if (runId !== null) await moveFolderToBin(context, runFolderOf(library, runId))
        unwrap(writer.removeStudy(studyId))
        emit('studies.changed', { studyId })
        emit('experiments.changed', { runId: null })
        return {}
      }),
  }
}

/** Cards that this device can be told to take one of each; 1 where there is nothing to choose. */
export async function cardsFor(
  library: Library,
  asked: Parameters<typeof resolveDevice>[1],
  modelId: string,
): Promise<number> {
  const device = await resolveDevice(library, asked, modelId)
  if (!device.ok) return 1
  return Math.max(1, cardsOf(device.value.device, (await lookAround(library)).cards))
}

/** The answer to the question that was asked last. */
export function keepLast<T>(): (key: string, reckon: () => T) => T {
  let kept: { readonly key: string; readonly value: T } | null = null
  return (key, reckon) => {
    if (kept?.key !== key) kept = { key, value: reckon() }
    return kept.value
  }
}
