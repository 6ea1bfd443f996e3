// A study at work in this terminal: its own queue and runs over the journal, one line of progress, Ctrl-C pauses it with a
// checkpoint.
import { createLiveRuns } from '#core/training/live-runs.ts'
import { createRunQueue } from '#core/training/run-queue.ts'
import { createRunService, runFolderOf } from '#core/training/run-service.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import { importanceAtOnce } from '#core/tuning/kept-importance.ts'
import { openStudies } from '#core/tuning/open-studies.ts'
import { viewOf } from '#core/tuning/read-study.ts'
import type { Emit, EventPayload } from '#shared/contract/index.ts'
import type { StudyView } from '#shared/contract/studies.ts'
import { unwrap } from '#shared/result.ts'
import { livingStudies, type StudyTrial } from '#shared/study.ts'
import { formatDuration } from '#shared/units.ts'
import type { Application } from './application.ts'
import { exitCodes } from './output.ts'
import { createTrialTeller } from './study-progress.ts'
import { purposeText, settingsText, trialName, trialWords } from './study-report.ts'

/** `isResumed`: it was paused, failed or left behind by a program that ended. Resolves when it no longer goes on by itself. */
export async function followStudy(
  application: Application,
  studyId: string,
  isResumed: boolean,
): Promise<StudyView> {
  const { library, launcher, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const warmTrainers = createWarmTrainers(launcher)
  let isStopping = false
  const told = new Set<number>()
  const emit: Emit = (event, payload) => {
    if (event !== 'training.update' || isStopping) return
    tellProgress(payload as EventPayload<'training.update'>)
  }
  const tellProgress = createTrialTeller<EventPayload<'training.update'>['state']>(output.progress, (state) =>
    progressLine(state),
  )
  const service = createRunService({ library, launcher: warmTrainers.launcher, writer, reader })
  const runs = createLiveRuns({ service, reader, emit, runFolderOf: (runId) => runFolderOf(library, runId) })
  const queue = createRunQueue({ library, writer, reader, runs, emit })
  let wake = (): void => {}
  const studies = openStudies({
    ...{ library, reader, writer, runs, queue, warmTrainers },
    tell: () => wake(),
  })
  const trialsNow = (): readonly StudyTrial[] => unwrap(reader.trials(studyId))
  const progressLine = ({ step, totalSteps }: { step: number; totalSteps: number }): string => {
    const { doneShare, timeLeftMs } = studies.progressOf(unwrap(reader.study(studyId)))
    const trials = trialsNow()
    const trial = trials.find(({ status }) => status === 'planned')
    const left = timeLeftMs === null ? '' : `, about ${formatDuration(timeLeftMs)} left`
    const done = doneShare === null ? '' : `${Math.round(100 * doneShare)} %  `
    const name = trial === undefined ? 'trial' : trialName(trial, trials)
    return `${done}${name}: step ${step} of ${totalSteps}${left}`
  }
  for (const { number, status } of trialsNow()) if (status !== 'planned') told.add(number)
  unwrap(isResumed ? await studies.resume(studyId) : studies.begin(studyId))
  const release = application.onInterrupt(() => {
    isStopping = true
    output.progress(
      'Pausing at the next safe moment; what was learned is kept. Ctrl-C again ends at once.',
      true,
    )
    void studies.pause(studyId).then(() => wake())
  })
  try {
    for (let waiting: string | null = null; ; ) {
      const heard = new Promise<void>((resolve) => {
        wake = resolve
      })
      const trials = trialsNow()
      for (const trial of trials) tellTrial(trial, trials)
      const study = unwrap(reader.study(studyId))
      if (!livingStudies.includes(study.status) || study.status === 'paused') break
      const reason = studies.waitingOf(study)
      if (reason !== waiting && reason !== null) output.progress(reason, true)
      waiting = reason
      await heard
    }
  } finally {
    release()
    await Promise.all([queue.close(), studies.close(), runs.stopAll()])
    application.backUpJournal()
  }
  return tellEnd()

  function tellTrial(trial: StudyTrial, trials: readonly StudyTrial[]): void {
    const { number, purpose, status, lossNats, settings, reason } = trial
    if (status === 'planned' || told.has(number)) return
    told.add(number)
    const loss = lossNats === null ? '' : `, loss ${lossNats.toFixed(4)}`
    const what = purpose === 'search' ? settingsText(settings) : purposeText(trial)
    const why = reason === null || status === 'pruned' ? '' : ` (${reason})`
    output.progress(`${trialName(trial, trials)} ${trialWords[status]}${loss}: ${what}${why}`, true)
  }

  function tellEnd(): StudyView {
    const study = unwrap(reader.study(studyId))
    const living = { waiting: null, doneShare: null, timeLeftMs: null }
    const view = viewOf(reader, study, living, importanceAtOnce)
    if (study.status === 'paused') {
      output.progress(`Paused. Go on with: tunewright studies resume ${studyId}`, true)
      application.setExitCode(exitCodes.interrupted)
    } else if (study.status === 'failed') application.setExitCode(exitCodes.problem)
    return view
  }
}
