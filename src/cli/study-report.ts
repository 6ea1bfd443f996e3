// A search as lines of text: its plan, its trials, which settings mattered, what it saved and what it found.
import type { StudyCard, StudyPlan, StudyView } from '#shared/contract/studies.ts'
import type { Dimension, StudiedSettings, StudiedValue, StudyTrial, TrialStatus } from '#shared/study.ts'
import { formatDuration } from '#shared/units.ts'
import { formatTable } from './table.ts'

const numberText = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
/** What it means that a setting has no value. */
const nullWords: Readonly<Record<string, string>> = {
  'method.topLayers': 'all layers',
  'optimizer.clipNorm': 'no limit',
  'duration.maxSteps': 'no limit',
  'batch.rowsAtOnce': 'all at once',
  'regularisation.averaging': 'off',
  'before.learningRate': 'as for the examples',
}

function valueText(path: string, value: StudiedValue): string {
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return value ?? nullWords[path] ?? 'none'
}

const rangeText = (dimension: Dimension): string =>
  dimension.kind === 'choice'
    ? dimension.values.map((value) => valueText(dimension.path, value)).join(', ')
    : `${numberText(dimension.low)} to ${numberText(dimension.high)}${dimension.isLog ? ', by factors' : ''}`

export function planLines({ dimensions, sentences }: Pick<StudyPlan, 'dimensions' | 'sentences'>): string[] {
  const rows = dimensions.map(({ dimension, isIncluded, reason }) => [
    isIncluded ? 'yes' : 'no',
    dimension.path,
    rangeText(dimension),
    reason,
  ])
  return [...sentences, '', ...formatTable(['searched', 'setting', 'range', 'why'], rows)]
}

export const settingsText = (settings: StudiedSettings): string =>
  Object.entries(settings)
    .map(([path, value]) => `${path}=${valueText(path, value)}`)
    .join(', ')

/** As flags of `train`: exactly the values, as YAML reads them. */
export const settingFlagsText = (settings: StudiedSettings): string =>
  Object.entries(settings)
    .map(([path, value]) => `--set ${path}=${value}`)
    .join(' ')

export function cardRow({ id, name, status, trials, best, waiting }: StudyCard): string[] {
  const ended = trials.complete + trials.pruned + trials.failed + trials.stopped
  return [id, name, status, String(ended), best === null ? '' : best.lossNats.toFixed(4), waiting ?? '']
}

export const cardHeading = ['study', 'name', 'status', 'trials', 'lowest loss', 'waits']

const shareText = (share: number): string => `${Math.round(100 * share)} %`

/** With the term where it is another word. */
export const trialWords: Readonly<Record<TrialStatus, string>> = {
  planned: 'not at its end',
  complete: 'complete',
  pruned: 'given up early (pruned)',
  skipped: 'left out',
  failed: 'failed',
  stopped: 'stopped',
}

const purposeWords: Readonly<Record<StudyTrial['purpose'], string>> = {
  search: '',
  preset: 'plan again',
  winner: 'best again',
}

/** What the trial is for; nothing for one of the search. */
export const purposeText = ({ purpose, seed }: Pick<StudyTrial, 'purpose' | 'seed'>): string =>
  purpose === 'search' ? '' : `${purposeWords[purpose]}, seed ${seed}`

function trialRow(trial: StudyTrial): string[] {
  const { number, status, lossNats, work, settings, reason } = trial
  return [
    String(number + 1),
    purposeText(trial),
    trialWords[status],
    lossNats === null ? '' : lossNats.toFixed(4),
    work === null ? '' : `${work.steps} of ${work.plannedSteps}`,
    work?.durationMs ? formatDuration(work.durationMs) : '',
    settingsText(settings),
    status === 'pruned' ? '' : (reason ?? ''),
  ]
}

export function studyLines({ study, trials, verdict, importance, saved, adoptable }: StudyView): string[] {
  return [
    `${study.name} (${study.id}): ${study.status}`,
    ...(study.waiting === null ? [] : [study.waiting]),
    ...(study.reason === null ? [] : [study.reason]),
    verdict.sentence,
    ...verdict.reasons.map((reason) => `  ${reason}`),
    '',
    ...formatTable(['trial', '', 'status', 'loss', 'steps', 'time', 'settings', ''], trials.map(trialRow)),
    '',
    ...importanceLines(importance),
    ...(saved === null ? [] : savedLines(saved)),
    ...(adoptable === null
      ? []
      : [
          `Make trial ${adoptable + 1} the plan: tunewright studies adopt ${study.id} --trial ${adoptable + 1}`,
        ]),
  ]
}

function importanceLines({ settings, seedNoise, cannotTell }: StudyView['importance']): string[] {
  if (cannotTell !== null) return [`Which settings mattered: ${cannotTell}`]
  const rows = settings.map(({ path, share, effectNats, isNoise }) => [
    path,
    shareText(share),
    `${effectNats.toFixed(4)} nats`,
    isNoise ? 'no more than chance' : '',
  ])
  return [
    ...formatTable(['what mattered', 'share', 'effect', ''], rows),
    ...(seedNoise === null
      ? []
      : [
          `Another seed alone changes the loss by ${seedNoise.sdNats.toFixed(4)} nats (deviation over ${seedNoise.runs} runs).`,
        ]),
  ]
}

function savedLines({
  workedMs,
  plainMs,
  byPruningMs,
  byReuseMs,
  modelsReused,
}: NonNullable<StudyView['saved']>) {
  const share = plainMs === 0 ? 0 : 1 - workedMs / plainMs
  return [
    `It worked ${formatDuration(workedMs)}; plain runs would have taken about ${formatDuration(plainMs)}: ${shareText(share)} saved, ${formatDuration(byPruningMs)} by giving up, ${formatDuration(byReuseMs)} by what trials share (${modelsReused} times the model was there already).`,
  ]
}
