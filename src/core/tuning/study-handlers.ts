// Searches for the screens: planned, started, followed, paused, read, taken over as the plan.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attempt, attemptAsync, unwrap } from '#shared/result.ts'
import { type JournalStudy, livingStudies, mostOfStudy } from '#shared/study.ts'
import { moveFolderToBin } from '../experiments/remove-runs.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import type { RunPlanner } from '../training/run-planner.ts'
import { runFolderOf } from '../training/run-service.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { adoptTrial } from './adopt-trial.ts'
import { trialsNow } from './begun-trials.ts'
import { createKeptImportance, type ImportanceFor } from './kept-importance.ts'
import { cardsFor, planStudy, requirePlan, type Wanted } from './plan-study.ts'
import { cardOf, type LivingFacts, viewOf } from './read-study.ts'
import { startStudy } from './start-study.ts'
import { requireStudyAtRest } from './study-problems.ts'
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

/** Of another journal nothing is at work here. */
const atRest = { waiting: null, doneShare: null, timeLeftMs: null } as const

export function createStudyHandlers(
  context: WorkstationContext,
  { planner, projects, store, studies }: StudyRooms,
): SomeHandlers<StudyCalls> {
  const { library, reader, writer, journals, comesBack, emit } = context
  const importanceFor = createKeptImportance((studyId) => emit('studies.changed', { studyId }))

  async function plan({ projectId, ...wanted }: Wanted & { readonly projectId: string }) {
    const open = await planner.ofProject(projectId)
    const { device } = open.recipe(wanted.preset, wanted.changes)
    const cards = await cardsFor(library, device, open.model.id)
    return planStudy(open, { projectId, ...wanted }, { reader, cards, nowMs: Date.now() })
  }

  const livingOf = (study: JournalStudy): LivingFacts => ({
    waiting: studies.waitingOf(study),
    ...studies.progressOf(study),
    stood: journals.stoodOf(undefined, study.id),
  })
  const restingIn = (journal: string, { id }: JournalStudy): LivingFacts => ({
    ...atRest,
    stood: journals.stoodOf(journal, id),
  })
  const card = (study: JournalStudy) => cardOf(study, trialsNow(reader, study.id), livingOf(study))

  return {
    'studies.plan': ({ projectId, preset, changes, ...wishes }) =>
      attemptAsync(async () => (await plan({ projectId, preset, changes, wishes })).view),
    'studies.start': ({ projectId, preset, changes, name, ...wishes }) =>
      attemptAsync(async () => {
        const planned = await requirePlan(plan({ projectId, preset, changes, wishes }))
        const { project } = unwrap(await projects.sourceOf(projectId))
        const place = {
          projectId,
          name: name ?? `Search of ${project.name}`.slice(0, mostOfStudy.nameCharacters),
        }
        const { studyId } = await startStudy(planned, wishes, place, { library, comesBack, reader, writer })
        unwrap(studies.begin(studyId))
        emit('projects.changed', { projectId })
        emit('studies.changed', { studyId })
        return { studyId }
      }),
    'studies.list': ({ projectId, isLiving = false, journal }) =>
      attempt(() => {
        const there = journals.readerOf(journal)
        const cardThere = (study: JournalStudy) =>
          cardOf(study, trialsNow(there, study.id), restingIn(journal ?? '', study))
        const found = unwrap(there.studies(projectId)).filter(
          ({ status }) => !isLiving || livingStudies.includes(status),
        )
        return { studies: found.map(journal === undefined ? card : cardThere) }
      }),
    'studies.get': ({ studyId, journal }) =>
      attempt(() => {
        const from = journals.readerOf(journal)
        const study = unwrap(from.study(studyId))
        if (journal === undefined) return viewOf(from, study, livingOf(study), importanceFor)
        const importanceThere: ImportanceFor = (question) =>
          importanceFor({ ...question, key: `${journal} ${studyId}` })
        // No plan of one's own is its project's.
        return { ...viewOf(from, study, restingIn(journal, study), importanceThere), adoptable: null }
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
        const ports = { library, reader, writer, projects, store }
        const { projectId } = unwrap(await adoptTrial(studyId, number, ports))
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
