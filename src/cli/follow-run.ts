// Follows an active run on a terminal: one line of progress with the time left, milestones kept, Ctrl-C stops cleanly.

import { diagnosesByJournal } from '#core/training/run-diagnosis.ts'
import type { ActiveRun, RunOutcome } from '#core/training/run-supervisor.ts'
import { createTimeLeft } from '#core/training/time-left.ts'
import type { JournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'
import { formatDuration } from '#shared/units.ts'
import type { Application } from './application.ts'
import { exitCodes } from './output.ts'

type SampleAnswer = TrainerEventOf<'samples'>['answers'][number]

const phaseWords: Readonly<Record<string, string>> = {
  loading: 'Loading the model',
  preparing: 'Preparing the rows',
  quantising: 'Bringing the weights of the model into fewer bits, once for all runs',
  evaluating: 'Measuring on the validation rows',
  saving: 'Saving',
  finishing: 'Finishing',
}

/**
 * Waits for the run's end. The exit code is set: 0 finished, 130 stopped by Ctrl-C, 1 anything else. Why it failed is said
 * in words; the outcome, which the caller's result holds, has it for a script.
 */
export async function followRun(application: Application, run: ActiveRun): Promise<RunOutcome> {
  const { output } = application
  let left = createTimeLeft()
  let { attempt } = run
  let isStopping = false
  run.onEvent(({ event }) => {
    if (run.attempt !== attempt) {
      attempt = run.attempt
      left = createTimeLeft()
    }
    left.follow(event)
    const milestone = milestoneOf(event)
    if (milestone) output.progress(milestone, true)
    else if (event.kind === 'samples')
      for (const line of event.answers.map(sampleLine)) output.progress(line, true)
    else if (!isStopping) {
      const line = progressOf(event, left.estimateMs(), left.doneShare())
      if (line) output.progress(line)
    }
  })
  const release = application.onInterrupt(() => {
    isStopping = true
    output.progress(
      'Stopping at the next safe moment; what was learned is kept. Ctrl-C again ends at once.',
      true,
    )
    run.cancel()
  })
  const outcome = await run.ended
  release()
  application.backUpJournal()
  if (outcome.problem) {
    output.problemInWords(outcome.problem)
    application.setExitCode(exitCodes.problem)
  } else if (outcome.status === 'cancelled') {
    output.progress(`Stopped. Go on with: tunewright runs resume ${run.runId}`, true)
    application.setExitCode(exitCodes.interrupted)
  }
  return outcome
}

/** Of a run that ended well how it went, why it ended before its last step and which version is kept; and what to do now. */
export function printNextStep(application: Application, outcome: RunOutcome): void {
  if (outcome.status !== 'finished') return
  const { output } = application
  for (const line of findingLines(application.reader(), outcome.runId)) output.line(line)
  output.line(`Finished. Now see whether it got better: tunewright proof ${outcome.runId}`)
}

/** The same findings as on its screen. */
export function findingLines(reader: JournalReader, runId: string): string[] {
  const run = unwrap(reader.getRun(runId))
  const findings = diagnosesByJournal(run, unwrap(reader.thinCurve(runId, mostPoints)), reader)
  return findings.flatMap(({ sentence, reason, help }) => [
    `${sentence} ${reason}`,
    ...(help === '' ? [] : [`  ${help}`]),
  ])
}

/** As the screen thins a curve: the findings are about the same points. */
const mostPoints = 2000

function stagesWords({ before, trainRows, totalSteps }: TrainerEventOf<'plan'>): string {
  if (before === undefined) return `Training on ${trainRows} rows, ${totalSteps} steps`
  return `Training on ${before.trainRows} texts of the field, ${before.steps} steps, then on ${trainRows} rows, ${totalSteps - before.steps} steps`
}

function milestoneOf(event: TrainerEvent): string | null {
  switch (event.kind) {
    case 'plan':
      return `${event.resumedAtStep > 0 ? `Going on after step ${event.resumedAtStep}. ` : ''}${stagesWords(event)}; ${measuringWords(event)}.`
    case 'evaluation':
      return `step ${event.step}: validation loss ${event.lossNats.toFixed(4)}${event.isBest ? ', the best so far' : ''}`
    case 'notice':
      return event.text
    case 'paused':
      return event.problem
        ? `Paused at step ${event.step}: ${event.problem.message} ${event.problem.remedy}`
        : `Paused at step ${event.step}.`
    case 'resumed':
      return `Going on at step ${event.step}.`
    default:
      return null
  }
}

/** A sample answer on one line; what is longer than a glance is cut. */
function sampleLine({ prompt, expected, answer, isCut, isRight }: SampleAnswer): string {
  const brief = (text: string, most: number): string => {
    const line = text.replace(/\s+/gu, ' ').trim()
    return line.length > most ? `${line.slice(0, most).toWellFormed()}…` : line
  }
  const said = `${brief(answer, 60)}${isCut ? '…' : ''}`
  return `  "${brief(prompt, 40)}" -> ${said} ${isRight ? '(right)' : `(expected: ${brief(expected, 40)})`}`
}

function measuringWords({
  validationRows,
  evaluateEverySteps,
  evaluateAtSteps,
}: TrainerEventOf<'plan'>): string {
  if (evaluateEverySteps === 0) return 'there are no validation rows to measure on'
  if (evaluateAtSteps)
    return `measuring on ${validationRows} validation rows after steps ${evaluateAtSteps.join(', ')}`
  const often = evaluateEverySteps === 1 ? 'after every step' : `every ${evaluateEverySteps} steps`
  return `measuring on ${validationRows} validation rows ${often}`
}

function progressOf(event: TrainerEvent, leftMs: number | null, doneShare: number): string | null {
  // Until the first step is done it may take minutes: the longest rows are tried, and frozen layers compute what they give.
  if (event.kind === 'phase' && event.phase === 'training') return `Training, ${event.detail}…`
  if (event.kind === 'phase') return phaseWords[event.phase] ? `${phaseWords[event.phase]}…` : null
  if (event.kind !== 'step') return null
  const time = leftMs === null ? '' : `, about ${formatDuration(leftMs)} left`
  return `${Math.round(doneShare * 100)} %  step ${event.step}: loss ${event.lossNats.toFixed(4)}${time}`
}
