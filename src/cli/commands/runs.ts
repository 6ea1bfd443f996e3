// runs list | show | resume | repeat | cancel
import { earlierProofs, earlierProofsNote, newestProof } from '#core/proof/index.ts'
import { changesOfSettings, type Setting } from '#core/training/recipe-file.ts'
import { prepareRepeat, prepareRetry, repeatOf } from '#core/training/repeat-run.ts'
import { programsOf, programWords, repeatabilityOf } from '#core/training/repeatability.ts'
import { heldBySearch, overInSearch } from '#core/training/run-of-search.ts'
import { requestOfRun } from '#core/training/run-requests.ts'
import { createRunService, runFolderOf } from '#core/training/run-service.ts'
import { stopTrialOf } from '#core/tuning/trial-end.ts'
import type { RepeatCheck } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import { activeStatuses, type RunDetail } from '#shared/journal-types.ts'
import { attempt, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { runLabel } from '#shared/run-label.ts'
import { formatDuration } from '#shared/units.ts'
import { wordLimits } from '#shared/word-limits.ts'
import type { Application } from '../application.ts'
import { findingLines, followRun, printNextStep } from '../follow-run.ts'
import { curveLines, proofLines, settingLines } from '../report.ts'
import { formatTable } from '../table.ts'

const dateText = (ms: number | null) =>
  ms === null ? '' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

const rowOf = (run: ExperimentRow): string[] => [
  run.id,
  `${runLabel(run)}${run.isPinned ? ' (pinned)' : ''}`,
  run.status === 'cancelled' ? 'stopped, can be resumed' : run.status,
  run.lastStep === null ? '' : `${run.lastStep}${run.totalSteps === null ? '' : ` of ${run.totalSteps}`}`,
  run.bestLossNats === null ? '' : run.bestLossNats.toFixed(4),
  dateText(run.createdAtMs),
]

export interface ListOptions {
  readonly limit: number
  /** Words of name, notes, tags or answers. */
  readonly text?: string
  readonly stars?: number
  readonly pinned?: boolean
  readonly archived?: boolean
  readonly trials?: boolean
}

/** Throws a ProblemError (`usage.invalid`) where more is asked for than is looked for. */
function requireShortSearch(text = ''): void {
  const most = wordLimits.search
  if (text.length <= most) return
  throw new ProblemError({
    code: 'usage.invalid',
    message: `A search has at most ${most} characters, and this one has ${text.length}.`,
    where: '--text',
    remedy: 'Ask for fewer words.',
  })
}

const queryOf = ({ limit, text, stars, pinned, archived, trials }: ListOptions): RunQuery => ({
  limit,
  ...(text === undefined ? {} : { text }),
  ...(stars ? { minRating: stars } : {}),
  ...(pinned === true ? { isPinned: true } : {}),
  ...(archived === true ? { archived: 'only' } : {}),
  ...(trials === true ? { hasTrials: true } : {}),
})

export function listRuns(application: Application, options: ListOptions): void {
  const reader = application.reader()
  requireShortSearch(options.text)
  const query = queryOf(options)
  // As the screen has them: pinned ones first.
  let page = unwrap(reader.experiments(query))
  if (
    page.rows.some(({ status }) => activeStatuses.includes(status)) &&
    attempt(() => application.writer()).ok
  )
    page = unwrap(reader.experiments(query))
  const { output } = application
  if (page.rows.length === 0)
    output.line(
      Object.keys(query).length > 1
        ? 'No run matches.'
        : 'No runs yet. Start one with: tunewright train RECIPE.yaml',
    )
  else
    for (const line of formatTable(
      ['run', 'name', 'status', 'step', 'best validation loss', 'created (UTC)'],
      page.rows.map(rowOf),
    ))
      output.line(line)
  if (page.total > page.rows.length) output.line(`${page.total - page.rows.length} more; see --limit.`)
  output.result({ runs: page.rows, total: page.total })
}

export function showRun(application: Application, runId: string): void {
  const reader = application.reader()
  const found = unwrap(reader.getRun(runId))
  const run = { ...found, determinism: repeatabilityOf(reader, found) }
  const curve = unwrap(reader.curve(runId))
  const comparisons = unwrap(reader.comparisons(runId))
  const artifacts = unwrap(reader.artifacts(runId))
  const repeat = repeatOf(reader, found)
  const workedMs = unwrap(reader.timeAtWork(runId))
  const programs = programsOf(reader, found)
  const { output } = application
  for (const line of summaryLines(run, { workedMs, programs })) output.line(line)
  if (repeat !== null) for (const line of repeatLines(repeat)) output.line(line)
  for (const line of findingLines(reader, runId)) output.line(line)
  output.line()
  for (const line of settingLines(run.recipe)) output.line(line)
  output.line()
  for (const line of curveLines(curve)) output.line(line)
  const proof = newestProof(comparisons)
  const looks = proof ? earlierProofs(reader, run.datasetFingerprint, comparisons.at(-1)?.createdAtMs) : 0
  if (proof) for (const line of ['', ...proofLines(proof), ...earlierProofsNote(looks), '']) output.line(line)
  for (const artifact of artifacts.filter(({ removedAtMs }) => removedAtMs === null))
    output.line(`${artifact.kind}: ${artifact.path} (SHA-256 ${artifact.sha256})`)
  output.result({ run, workedMs, programs, curve, comparisons, artifacts, repeat })
}

interface Summed {
  readonly workedMs: number
  readonly programs: readonly string[]
}

function summaryLines(run: RunDetail, { workedMs, programs }: Summed): string[] {
  const lines = [
    `${run.name} (${run.id}): ${run.status}${run.endReason && run.endReason !== run.status ? `, ${run.endReason}` : ''}`,
    `project ${run.projectName}, model ${run.modelName}, data ${run.datasetFingerprint}, seed ${run.seed}`,
    `${run.backend}; ${run.determinism ?? 'not started yet'}; started ${run.attempts} time${run.attempts === 1 ? '' : 's'}`,
    programLine(run, programs),
    ...tookLines(run, workedMs),
  ]
  if (run.bestStep !== null && run.bestLossNats !== null)
    lines.push(`kept: the version of step ${run.bestStep}, validation loss ${run.bestLossNats.toFixed(4)}`)
  if (run.failure) lines.push(`reason: ${run.failure.message}`, `what to do: ${run.failure.remedy}`)
  return lines
}

/** Less than this beside the work is starting and ending. */
const idleMs = 60_000

function tookLines({ startedAtMs, endedAtMs }: RunDetail, workedMs: number): string[] {
  if (startedAtMs === null || endedAtMs === null) return []
  const spanMs = endedAtMs - startedAtMs
  const span = spanMs - workedMs < idleMs ? '' : `, over ${formatDuration(spanMs)} from start to end`
  return [`took ${formatDuration(workedMs)} of work${span}`]
}

function programLine({ versions }: RunDetail, programs: readonly string[]): string {
  const code = programs.length === 0 ? 'of unknown code' : `code ${programWords(programs)}`
  return `Tunewright ${versions.tunewright ?? 'of unknown version'}, ${code}`
}

/** What a repeat showed, and what is not as it was. */
const repeatLines = ({ originalId, originalName, sentence, differences }: RepeatCheck): string[] => [
  `repeats ${originalName} (${originalId}): ${sentence}`,
  ...differences.map(({ what, before, now }) => `  ${what}: ${before} -> ${now}`),
]

/** The exit code says how the run ended; whether the same came out is in the words and the result. */
export async function repeatRun(application: Application, originalId: string): Promise<void> {
  const writer = application.writer()
  const { library, launcher, output } = application
  const reader = application.reader()
  const { runId } = unwrap(await prepareRepeat(originalId, { library, reader, writer }))
  output.line(`Run ${runId} repeats ${originalId}.`)
  const service = createRunService({ library, launcher, writer, reader })
  const outcome = await followRun(application, unwrap(await service.launch(runId)))
  const repeat = repeatOf(reader, unwrap(reader.getRun(runId)))
  if (repeat !== null) for (const line of repeatLines(repeat)) output.line(line)
  output.result({ ...outcome, repeat })
}

/** The same rows and model with other settings. */
export async function retryRun(
  application: Application,
  originalId: string,
  settings: readonly Setting[],
): Promise<void> {
  const writer = application.writer()
  const { library, launcher, output } = application
  const reader = application.reader()
  const changes = unwrap(changesOfSettings(settings))
  const { runId } = unwrap(await prepareRetry(originalId, changes, { library, reader, writer }))
  output.line(`Run ${runId} tries ${originalId} again.`)
  const service = createRunService({ library, launcher, writer, reader })
  const outcome = await followRun(application, unwrap(await service.launch(runId)))
  printNextStep(application, outcome)
  output.result(outcome)
}

export async function resumeRun(application: Application, runId: string): Promise<void> {
  refuseOver(application, runId)
  const writer = attempt(() => application.writer())
  if (!writer.ok) return wakeRun(application, runId, writer.problem)
  const { library, launcher } = application
  const reader = application.reader()
  const held = heldBySearch(reader, unwrap(reader.getRun(runId)))
  if (held !== null) throw new ProblemError(held)
  const service = createRunService({ library, launcher, writer: writer.value, reader })
  const run = unwrap(await service.launch(runId))
  unwrap(writer.value.dequeue('run', runId))
  run.onEvent(({ event }) => {
    if (event.kind === 'plan' && event.resumedAtStep === 0)
      application.output.progress('There was no checkpoint to go on from: the run begins again.', true)
  })
  const outcome = await followRun(application, run)
  application.output.line(`Run ${runId}: ${outcome.status}.`)
  printNextStep(application, outcome)
  application.output.result(outcome)
}

/** Whoever has the journal open: of a trial that is over nothing is left to be continued or cancelled. */
function refuseOver(application: Application, runId: string): RunDetail {
  const reader = application.reader()
  const run = unwrap(reader.getRun(runId))
  const over = overInSearch(reader, run)
  if (over !== null) throw new ProblemError(over)
  return run
}

/** A run that waits (for space on the disk, say) belongs to a living process: that one is asked to go on. */
async function wakeRun(application: Application, runId: string, problem: Problem): Promise<void> {
  const run = unwrap(application.reader().getRun(runId))
  if (problem.code !== 'journal.locked' || run.status !== 'paused') throw new ProblemError(problem)
  await requestOfRun(runFolderOf(application.library, runId), 'resume')
  application.output.line(`Asked the process that trains run ${runId} to go on.`)
  application.output.result({ runId, status: 'asked' })
}

const nothingToCancel = (runId: string): Problem => ({
  code: 'run.not-resumable',
  message: 'This run came to its end already, so there is nothing to cancel.',
  where: `run ${runId}`,
  remedy: `What it trained stays as it is. Look at it with: tunewright runs show ${runId}`,
})

/** Stops a run: an active one through the process that owns it, one at rest in the journal. */
export async function cancelRun(application: Application, runId: string): Promise<void> {
  const { output } = application
  const { status } = refuseOver(application, runId)
  if (status === 'finished') throw new ProblemError(nothingToCancel(runId))
  const writer = attempt(() => application.writer())
  if (writer.ok) {
    if (unwrap(application.reader().getRun(runId)).status !== 'cancelled')
      unwrap(writer.value.setRunStatus(runId, 'cancelled'))
    unwrap(writer.value.dequeue('run', runId))
    const run = unwrap(application.reader().getRun(runId))
    const isTrial = stopTrialOf(application.reader(), writer.value, run)
    output.line(
      `Run ${runId} is cancelled. ${isTrial ? 'Its search goes on without it.' : 'Its checkpoints are kept.'}`,
    )
    output.result({ runId, status: 'cancelled' })
    return
  }
  if (writer.problem.code !== 'journal.locked' || !['running', 'paused'].includes(status))
    throw new ProblemError(writer.problem)
  await requestOfRun(runFolderOf(application.library, runId), 'cancel')
  output.line(`Asked the process that trains run ${runId} to stop; it saves a checkpoint first.`)
  output.result({ runId, status: 'asked' })
}
