// Makes a trial's settings the plan of its project. One that was not confirmed is not the winner of its search for that.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { StudyTrial } from '#shared/study.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { showModel } from '../models/model-library.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import type { Library } from '../system/library.ts'
import { draftWithRecipe } from '../training/adopt-recipe.ts'
import { requireTrial } from './study-problems.ts'
import { trialRecipe } from './trial-recipe.ts'
import { winnerLink } from './winner-link.ts'

export interface AdoptPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'study' | 'trials'>
  readonly writer: Pick<JournalWriter, 'addLink'>
  readonly projects: ProjectSource
  readonly store: Pick<ProjectStore, 'writeDraft'>
}

/** Writes the draft, and of the winner that it is. Problems: those of a recipe, of the model, project.not-ready. */
export function adoptTrial(
  studyId: string,
  number: number,
  { library, reader, writer, projects, store }: AdoptPorts,
): Promise<Result<{ projectId: string }>> {
  return attemptAsync(async () => {
    const study = unwrap(reader.study(studyId))
    const trials = unwrap(reader.trials(studyId))
    const trial = requireTrial(trials, number)
    const { projectId, spec } = study
    const source = unwrap(await projects.sourceOf(projectId))
    const model = unwrap(await showModel(library, spec.base.model.id))
    const { config } = await readPlannedModel(library, model)
    if (trial.status !== 'complete') throw new ProblemError(notAdoptable(trial))
    const recipe = unwrap(trialRecipe(spec, trial.settings, trial.seed))
    await store.writeDraft(projectId, draftWithRecipe(source, recipe, config))
    const link = winnerLink(study, trials)
    if (link !== null && link.runId === trial.runId) unwrap(writer.addLink(link))
    return { projectId }
  })
}

const notAdoptable = ({ number }: Pick<StudyTrial, 'number'>): Problem => ({
  code: 'run.not-finished',
  message: 'This trial did not come to its end, so nobody knows what it would have become.',
  where: `trial ${number + 1}`,
  remedy: 'Take one that did.',
})
