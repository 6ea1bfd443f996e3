// A search as lines of text: its plan, its trials, which settings mattered, what it saved and what it found.
import { pruningSentence } from '#core/tuning/study-sentences.ts'
import { roundedToSum } from '#shared/adding-up.ts'
import type { RangeEnd, StudyCard, StudyPlan, StudyView } from '#shared/contract/studies.ts'
import type { Dimension, StudiedSettings, StudiedValue, StudyTrial, TrialStatus } from '#shared/study.ts'
import { bestLossWords, leftOutText, toldLoss, trialPurposeText } from '#shared/trial-words.ts'
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
    : `${numberText(dimension.low)} to ${numberText(dimension.high)}${dimension.isLog ? ', by factors (log scale)' : ''}`

const factorsText =
  'By factors (log scale): from 1 to 2 counts as much as from 10 to 20, so small values are tried as closely as large ones.'

export function planLines({ dimensions, sentences }: Pick<StudyPlan, 'dimensions' | 'sentences'>): string[] {
  const rows = dimensions.map(({ dimension, isIncluded, reason }) => [
    isIncluded ? 'yes' : 'no',
    dimension.path,
    rangeText(dimension),
    reason,
  ])
  const hasFactors = dimensions.some(({ dimension }) => dimension.kind !== 'choice' && dimension.isLog)
  const table = formatTable(['searched', 'setting', 'range', 'why'], rows)
  return [...sentences, '', ...table, ...(hasFactors ? [factorsText] : [])]
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

const endedOf = ({ trials }: Pick<StudyCard, 'trials'>): number =>
  trials.complete + trials.pruned + trials.skipped + trials.failed + trials.stopped

/** Of another journal how it stood: there it may go on, and it was not stopped. */
const statusText = ({ status, stood }: StudyCard): string => (stood === null ? status : `was ${stood}`)

export function cardRow(card: StudyCard): string[] {
  const { id, name, confirming, best, waiting } = card
  const counts = [endedOf(card), confirming].map(String)
  return [
    id,
    name,
    statusText(card),
    ...counts,
    ...(best === null ? ['', ''] : lossCells(best)),
    card.leftOut > 0 ? leftOutText(card.leftOut) : (waiting ?? ''),
  ]
}

function lossCells(best: NonNullable<StudyCard['best']>): [string, string] {
  const { kind, lossNats, seeds } = toldLoss(best)
  return [lossNats.toFixed(4), bestLossWords.of[kind].replace('{seeds}', String(seeds))]
}

export const cardHeading = ['search', 'name', 'status', 'trials', 'confirming runs', 'loss', 'of', 'waits']

const counted = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`

/** "loss 0.5740, mean of 3 seeds", after what is told before it. */
function lossText({ best, leftOut }: StudyCard): string {
  const leftOutOf = leftOut === 0 ? '' : `, ${leftOutText(leftOut)}`
  if (best === null) return leftOutOf
  const { kind, lossNats, seeds } = toldLoss(best)
  return `, ${bestLossWords[kind].replace('{loss}', lossNats.toFixed(4)).replace('{seeds}', String(seeds))}${leftOutOf}`
}

/** "5 trials and 4 confirming runs". */
function countText(card: StudyCard): string {
  const trials = counted(endedOf(card), 'trial')
  return card.confirming === 0 ? trials : `${trials} and ${counted(card.confirming, 'confirming run')}`
}

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

/** What the trial is for; nothing for one of the search. */
export const purposeText = (trial: Pick<StudyTrial, 'purpose' | 'seed'>): string =>
  trial.purpose === 'search' ? '' : trialPurposeText(trial)

/** "trial 5"; runs that confirm are counted by themselves: "confirming run 2". */
export function trialName(
  { number, purpose }: Pick<StudyTrial, 'number' | 'purpose'>,
  trials: readonly Pick<StudyTrial, 'number' | 'purpose'>[],
): string {
  if (purpose === 'search') return `trial ${number + 1}`
  const at = trials.filter((one) => one.purpose !== 'search' && one.number <= number).length
  return `confirming run ${at}`
}

function trialRow(trial: StudyTrial, _at: number, trials: readonly StudyTrial[]): string[] {
  const { status, lossNats, work, settings, reason } = trial
  return [
    trialName(trial, trials),
    purposeText(trial),
    trialWords[status],
    lossNats === null ? '' : lossNats.toFixed(4),
    work === null ? '' : `${work.steps} of ${work.plannedSteps}`,
    work?.durationMs ? formatDuration(work.durationMs) : '',
    settingsText(settings),
    status === 'pruned' ? '' : (reason ?? ''),
  ]
}

export function studyLines(view: StudyView): string[] {
  const { study, trials, verdict, importance, saved, adoptable, pruning } = view
  return [
    `${study.name} (${study.id}): ${statusText(study)}, ${countText(study)}${lossText(study)}`,
    ...(study.waiting === null ? [] : [study.waiting]),
    ...(study.reason === null || verdict.reasons.includes(study.reason) ? [] : [study.reason]),
    verdict.sentence,
    ...verdict.reasons.map((reason) => `  ${reason}`),
    '',
    ...formatTable(
      ['trial', 'for', 'status', 'loss', 'steps', 'time', 'settings', 'why'],
      trials.map(trialRow),
    ),
    '',
    pruningSentence(pruning, study.budget.trials),
    ...importanceLines(importance),
    ...view.rangeEnds.map(rangeEndText),
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

export const rangeEndText = ({ path, end, wider }: RangeEnd): string =>
  `Most of the best trials, the very best among them, have ${path} at the ${end === 'low' ? 'lower' : 'upper'} end of its range: a wider range might find more, ${end === 'low' ? 'down' : 'up'} to ${numberText(wider)}, say.`

const hourMs = 3_600_000

function savedLines({
  workedMs,
  plainMs,
  byPruningMs,
  byReuseMs,
  modelsReused,
}: NonNullable<StudyView['saved']>) {
  const share = plainMs === 0 ? 0 : 1 - workedMs / plainMs
  const step = plainMs < hourMs ? 1000 : 60_000
  const parts = roundedToSum([workedMs, byPruningMs, byReuseMs], step)
  const [worked = '', pruned = '', reused = ''] = parts.map(formatDuration)
  const plain = formatDuration(parts.reduce((sum, ms) => sum + ms, 0))
  return [
    `It worked ${worked}; plain runs would have taken about ${plain}: ${shareText(share)} saved, ${pruned} by giving up, ${reused} by what trials share (${modelsReused} times the model was there already).`,
  ]
}
