// A library with two searches of last year as the journal holds them: one that found something, one in which every trial
// failed. Their model is gone.
import { openLibrary } from '#core/system/library.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { type StudySpec, type StudyTrial, studySpec } from '#shared/study.ts'
import { addSampleLibrary, sampleRecipe } from '../../journal/support/sample.ts'
import { sampleSpace, sampleStudy } from '../../renderer/studies/sample-study.ts'

export const pastStudies = { night: 'Night search', broken: 'All too strong' } as const

const specOf = (part: Partial<StudySpec> = {}): StudySpec =>
  studySpec.parse({
    version: 1,
    base: sampleRecipe(),
    space: sampleSpace,
    sampler: 'tpe',
    budget: { trials: 30 },
    pruning: {},
    seed: 7,
    confirmSeeds: 3,
    ...part,
  })

/** `search`: trials of the search of the first one. */
export async function makePastStudies(home: string, search = 30): Promise<void> {
  // Of last year, so that what the screen says of them is the same on every day.
  let nowMs = Date.UTC(2025, 5, 15, 12)
  const writer = unwrap(openJournalWriter(openLibrary(home).journalPath, { now: () => (nowMs += 60_000) }))
  const newRun = addSampleLibrary(writer)
  const { projectId } = newRun

  function addStudy(name: string, spec: StudySpec, trials: readonly StudyTrial[]): void {
    const { id } = unwrap(writer.createStudy({ projectId, name, spec }))
    unwrap(writer.changeStudy(id, { status: 'running' }))
    for (const trial of trials) addTrial(writer, { ...trial, studyId: id }, newRun)
    const workedMs = trials.reduce((sum, { work }) => sum + (work?.durationMs ?? 0), 0)
    unwrap(writer.changeStudy(id, { status: 'finished', workedMs }))
  }

  addStudy(
    pastStudies.broken,
    specOf({ confirmSeeds: 1 }),
    sampleStudy({
      search: 3,
      trial: () => ({
        status: 'failed',
        lossNats: null,
        lossStep: null,
        work: null,
        reason: 'The loss was no number any more at step 12.',
      }),
    }).trials,
  )
  addStudy(pastStudies.night, specOf(), sampleStudy({ search, isConfirmed: true }).trials)
  unwrap(writer.close())
}

function addTrial(
  writer: JournalWriter,
  trial: StudyTrial,
  newRun: ReturnType<typeof addSampleLibrary>,
): void {
  const { studyId, number, purpose, settings, seed, rungs } = trial
  const name = `Night search, trial ${number + 1}`
  const { runId } = unwrap(
    writer.addTrial({ studyId, number, purpose, settings, seed, rungs }, { ...newRun, name }),
  )
  if (runId === null) throw new Error('a trial without a run')
  unwrap(writer.startAttempt(runId))
  const isFailed = trial.status === 'failed'
  if (isFailed) {
    const problem = {
      code: 'training.diverged',
      message: trial.reason ?? '',
      where: 'step 12',
      remedy: 'Learn less strongly.',
    } as const
    unwrap(writer.failRun(runId, { status: 'failed', problem }))
  } else {
    const { lossNats, lossStep } = trial
    const reason = trial.status === 'pruned' ? ('pruned' as const) : ('completed' as const)
    unwrap(
      writer.finishRun(runId, { reason, bestStep: lossStep, bestLossNats: lossNats, adapterSha256: null }),
    )
  }
  const { status, lossNats, lossStep, rungLosses, reason, work } = trial
  if (status === 'planned') return
  unwrap(writer.endTrial({ studyId, number, status, lossNats, lossStep, rungLosses, reason, work }))
}
