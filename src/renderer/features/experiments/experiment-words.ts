// What a cell says, in words: what a run was made with and what came of it.
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { StudyCard } from '#shared/contract/studies.ts'
import { deviceIds } from '#shared/devices.ts'
import { methodParts } from '#shared/method-parts.ts'
import { metricFacts } from '#shared/metrics.ts'
import { methodKinds } from '#shared/recipe.ts'
import type { TooMuch } from '#shared/word-limits.ts'
import { formatDay, formatNumber, formatPercent, formatShortTime } from '../../format.ts'
import { formatMetric } from '../../metric-words.ts'
import { t } from '../../words/index.ts'
import { bestParts, stateOf } from '../studies/study-story.ts'
import type { ColumnId } from './experiment-columns.ts'
import { foundIn } from './found-in.ts'

export interface Tried {
  /** In the list. */
  readonly runs: number
  readonly projects: number
  readonly trials: number
  readonly searches: number
  readonly archived: number
}

/** What the list holds, and beside it what it leaves out: trials of searches, archived runs. */
export function openingSentence(
  { runs, projects, trials, searches, archived }: Tried,
  isOwn: boolean,
): string {
  const listed = t('experiments.listed', {
    runs: t('experiments.runs', { count: runs }),
    projects: t('experiments.projects', { count: projects }),
  })
  const found = t('experiments.searches', { count: searches })
  const ofTrials = t('experiments.trialsOf', { count: trials, searches: found })
  const beside = trials > 0 ? ofTrials : searches > 0 ? found : ''
  return [
    beside === '' ? `${listed}.` : t('experiments.and', { listed, beside }),
    archived > 0 ? t('experiments.archivedToo', { count: archived }) : '',
    isOwn ? t('experiments.onThisComputer') : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** Small numbers as their field writes them: 2e-4. Without what reckoning in twos leaves at the end: 3.0000000000000003e-4. */
export function formatRate(rate: number): string {
  const plain = Number(rate.toPrecision(9))
  return plain !== 0 && Math.abs(plain) < 0.01 ? plain.toExponential() : String(plain)
}

const loss = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const formatLoss = (nats: number): string => (nats < 0.1 ? formatNumber(nats) : loss.format(nats))

const none = '—'
const orNone = <T>(value: T | null, write: (value: T) => string): string =>
  value === null ? none : write(value)

/** "LoRA 16"; a rank counts where there is an adapter only. */
export function methodWord({ method, rank }: Pick<ExperimentRow, 'method' | 'rank'>): string {
  if (method === '') return none
  const kind = methodKinds.find((one) => one === method)
  const name = kind === undefined ? method : t(`experiments.methods.${kind}`)
  const hasAdapter = kind === undefined || methodParts[kind].adapter
  return rank === null || !hasAdapter ? name : t('experiments.methodRank', { name, rank })
}

/** How a run stands; of one under way also how far it is. */
export function statusWord({ status }: ExperimentRow, doneShare: number | null): string {
  const word = t(`training.heading.${status}`)
  return doneShare === null
    ? word
    : t('experiments.statusDone', { status: word, percent: formatPercent(doneShare) })
}

/** The proof's value with its interval, and what it is compared with; null where nothing was proved. */
export function proofWords({ proof }: ExperimentRow) {
  if (proof === null) return null
  const write = (value: number): string => formatMetric(proof.metric, value)
  const { tuned, base } = proof
  // The value before it has the unit.
  const bound = (value: number): string =>
    metricFacts[proof.metric].unit === 'share' ? String(Math.round(value * 100)) : write(value)
  return {
    value: write(tuned.value),
    interval: t('common.intervalShort', { low: bound(tuned.low), high: bound(tuned.high) }),
    against: t(`experiments.against.${proof.verdict}`, { base: write(base.value) }),
  }
}

/** Cells that are a plain text; the others are drawn by ExperimentCell. */
export function cellText(column: ColumnId, row: ExperimentRow, doneShare: number | null): string {
  switch (column) {
    case 'method':
      return methodWord(row)
    case 'learningRate':
      return orNone(row.learningRate, formatRate)
    case 'bestLoss':
      return orNone(row.bestLossNats, formatLoss)
    case 'created':
      return formatDay(row.createdAtMs)
    case 'project':
      return row.projectName
    case 'scenario':
      return t(`common.scenarios.${row.scenario}`)
    case 'model':
      return row.modelName
    case 'status':
      return statusWord(row, doneShare)
    case 'verdict':
      return row.proof === null ? none : t(`experiments.verdicts.${row.proof.verdict}`)
    case 'epochs':
      return orNone(row.epochs, formatNumber)
    case 'batchRows':
      return orNone(row.batchRows, formatNumber)
    case 'steps':
      return stepsWord(row)
    case 'device':
      return deviceWord(row)
    case 'seed':
      return String(row.seed)
    case 'duration':
      return orNone(row.durationMs, formatShortTime)
    case 'notes':
      return row.notes
    case 'tags':
      return row.tags.join(', ')
    case 'proof':
      return proofWords(row)?.value ?? none
    case 'rating':
      return orNone(row.rating, (count) => t('experiments.stars.have', { count }))
  }
}

/** What it was begun on; a run that went on elsewhere says so on its own page. */
function deviceWord({ device, startedAtMs }: ExperimentRow): string {
  if (startedAtMs === null) return none
  const known = deviceIds.find((id) => id === device)
  // A run of another computer was not computed on "this computer".
  return known === undefined || known === 'cpu' ? t('experiments.processor') : t(`devices.names.${known}`)
}

function stepsWord({ lastStep, totalSteps }: ExperimentRow): string {
  if (lastStep === null) return none
  if (totalSteps === null || totalSteps === lastStep) return formatNumber(lastStep)
  return t('experiments.stepsOf', { done: lastStep, total: totalSteps })
}

/** Tags as they are typed: with commas between them, each once, nothing empty. */
export const readTags = (typed: string): string[] => [
  ...new Set(
    typed
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  ),
]

/** What is too long of what was typed, at its field. */
export const tooMuchWords = ({ what, most, count, beginning }: TooMuch): string =>
  what === 'tag'
    ? t('experiments.edit.tagTooLong', { most, count, beginning })
    : t(`experiments.edit.${what}TooLong`, { most, count })

/** Where the words of a search were found; empty where none were asked for. */
export function foundWords(row: ExperimentRow, text: string): string {
  const places = foundIn(row, text)
  if (places.length === 0) return ''
  return t('experiments.found.at', {
    places: places.map((place) => t(`experiments.found.${place}`)).join(', '),
  })
}

/** As the search's page calls it. */
const trialWords = ({ number, confirming }: NonNullable<ExperimentRow['trial']>): string =>
  confirming === null
    ? t('experiments.trial', { number: number + 1 })
    : t('experiments.confirming', { number: confirming })

/** Below a run's name: how it stands, which trial it is, where a search's words were found, or its project. */
export function lineBelow(row: ExperimentRow, doneShare: number | null, text: string): string {
  const parts = [
    row.status === 'finished' ? '' : statusWord(row, doneShare),
    row.isArchived ? t('experiments.marks.isArchived') : '',
    row.trial === null ? '' : trialWords(row.trial),
    foundWords(row, text) || row.projectName,
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

/** What a search says in a column of runs; empty where it says nothing. */
export function studyCellText(column: ColumnId, study: StudyCard): string {
  switch (column) {
    case 'method':
      return t('studies.line.worked', { time: formatShortTime(study.workedMs) })
    case 'duration':
      return formatShortTime(study.workedMs)
    case 'bestLoss':
      return bestParts(study)?.loss ?? none
    case 'created':
      return formatDay(study.createdAtMs)
    case 'project':
      return study.projectName
    case 'status':
      return stateOf(study)
    case 'notes':
      return study.notes
    default:
      return ''
  }
}
