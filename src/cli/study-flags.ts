// Flags of `studies plan` and `studies start`, and what of a search each of them says.
import { nextTimeMs } from '#core/tuning/study-schedule.ts'
import type { StudyWishes } from '#core/tuning/study-wishes.ts'
import { presetIds } from '#shared/contract/index.ts'
import { searchEfforts, studyCalls } from '#shared/contract/studies.ts'
import { ProblemError } from '#shared/result.ts'
import { type Dimension, type Schedule, type StudiedValue, samplerKinds, searchSpace } from '#shared/study.ts'

export interface StudyFlags {
  readonly project?: string
  readonly preset?: string
  readonly name?: string
  readonly effort?: string
  readonly trials?: string
  readonly hours?: string
  readonly until?: string
  readonly space?: readonly string[]
  readonly sampler?: string
  /** Commander turns --no-pruning into this. */
  readonly pruning?: boolean
  readonly confirm?: string
  readonly earlier?: boolean
  readonly searchSeed?: string
  readonly night?: string
  readonly set?: readonly string[]
  readonly column?: readonly string[]
}

export interface ReadFlags {
  readonly preset: (typeof presetIds)[number]
  readonly wishes: StudyWishes
}

const hourMs = 3_600_000
const leastWorkMs = 1000
const mostTrials = 10_000
const mostNameLength = 200

/** Throws ProblemError (`usage.invalid`) with the flag that cannot be read. */
export function readStudyFlags(flags: StudyFlags, nowMs: number = Date.now()): ReadFlags {
  if (flags.name !== undefined && (flags.name.trim() === '' || flags.name.length > mostNameLength))
    throw wrong(
      '--name',
      `A name has 1 to ${mostNameLength} characters`,
      'Leave it out for a name by the data.',
    )
  const budget = budgetOf(flags, nowMs)
  const parsed = studyCalls['studies.plan'].input.safeParse({
    projectId: 'any',
    preset: flags.preset ?? 'balanced',
    changes: {},
    isPruned: flags.pruning !== false,
    usesEarlierResults: flags.earlier !== false,
    ...(flags.effort !== undefined && { effort: flags.effort }),
    ...(flags.sampler !== undefined && { sampler: flags.sampler }),
    ...(flags.searchSeed !== undefined && { seed: numberOf('--seed', flags.searchSeed) }),
    ...(flags.confirm !== undefined && { confirmSeeds: numberOf('--confirm', flags.confirm) }),
    ...(budget !== null && { budget }),
    ...(flags.night !== undefined && { schedule: nightOf(flags.night) }),
    ...(flags.space?.length && { space: flags.space.map(dimensionOf) }),
  })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw wrong(flagOf(issue?.path), issue?.message ?? 'not valid', usualFlags)
  }
  const { projectId: _projectId, preset, changes: _changes, ...wishes } = parsed.data
  return { preset, wishes }
}

/** The flag's name is not always the call's. */
const flagOf = (path: readonly PropertyKey[] = []): string =>
  path[0] === 'confirmSeeds' ? '--confirm' : `--${path.map(String).join('.')}`

const usualFlags = `Efforts are ${searchEfforts.join(', ')}; samplers ${samplerKinds.join(', ')}; presets ${presetIds.join(', ')}.`

function budgetOf({ trials, hours, until }: StudyFlags, nowMs: number) {
  if (trials === undefined && hours === undefined && until === undefined) return null
  return {
    ...(trials !== undefined && { trials: trialsOf(trials) }),
    ...(hours !== undefined && { workMs: workOf(hours) }),
    ...(until !== undefined && { untilMs: nextTimeMs(minuteOf('--until', until), nowMs) }),
  }
}

function trialsOf(text: string): number {
  const trials = numberOf('--trials', text)
  if (Number.isInteger(trials) && trials >= 1 && trials <= mostTrials) return trials
  const message = `"${text}" is not a number of trials: it is a whole number, at least 1 and at most ${mostTrials}`
  throw wrong('--trials', message, 'Say how many trials there are to be: --trials 12.')
}

function workOf(text: string): number {
  const workMs = Math.round(numberOf('--hours', text) * hourMs)
  if (workMs >= leastWorkMs && Number.isSafeInteger(workMs)) return workMs
  const message = `"${text}" is no time to work: it is at least a second (0.0003 hours)`
  throw wrong('--hours', message, 'Say how many hours it is to work: --hours 1.5.')
}

function numberOf(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw wrong(flag, `"${text}" is not a number`, `Write it like ${flag} 3.`)
}

/** Minutes since midnight of "07:00". */
function minuteOf(flag: string, text: string): number {
  const [, hours = '', minutes = ''] = /^(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? []
  const at = Number(hours) * 60 + Number(minutes)
  if (hours !== '' && Number(hours) < 24 && Number(minutes) < 60) return at
  throw wrong(flag, `"${text}" is not a time of day`, `Write it like ${flag} 07:00.`)
}

function nightOf(text: string): Schedule {
  const [from, to, ...rest] = text.split('-')
  const likeThis = 'Write it like --night 22:00-07:00.'
  if (from === undefined || to === undefined || rest.length > 0)
    throw wrong('--night', `"${text}" is not from one time of day to another`, likeThis)
  const hours = { fromMinute: minuteOf('--night', from), toMinute: minuteOf('--night', to) }
  if (hours.fromMinute !== hours.toMinute) return hours
  throw wrong(
    '--night',
    `"${text}" begins and ends at the same time`,
    `${likeThis} Left out, it works at any time.`,
  )
}

/** "path=low..high", "path=low..high:log", or "path=one,another". */
export function dimensionOf(text: string): Dimension {
  const [path = '', ...rest] = text.split('=')
  const value = rest.join('=')
  const range = /^(-?[\d.eE+-]+?)\.\.(-?[\d.eE+-]+?)(:log)?$/.exec(value)
  const dimension = range === null ? choiceOf(path, value) : rangeOf(path, range)
  const parsed = searchSpace.safeParse([dimension])
  if (path !== '' && value !== '' && parsed.success) return parsed.data[0]!
  const [issue] = parsed.success ? [] : parsed.error.issues
  throw wrong('--space', `"${text}" is no range${issue ? `: ${issue.message}` : ''}`, spaceHelp)
}

const spaceHelp =
  'Write it like --space optimizer.learningRate=1e-5..1e-3:log, --space method.rank=2..32 or --space schedule.kind=cosine,linear.'

function rangeOf(path: string, [, low = '', high = '', log]: readonly (string | undefined)[]) {
  const isWhole = [low, high].every((end) => /^-?\d+$/.test(end))
  return {
    kind: isWhole ? 'whole' : 'number',
    path,
    low: Number(low),
    high: Number(high),
    isLog: log !== undefined,
  }
}

const choiceOf = (path: string, value: string) => ({
  kind: 'choice',
  path,
  values: value.split(',').map(plainValue),
})

function plainValue(text: string): StudiedValue {
  const plain = text.trim()
  if (plain === 'null') return null
  if (plain === 'true' || plain === 'false') return plain === 'true'
  return plain !== '' && Number.isFinite(Number(plain)) ? Number(plain) : plain
}

const wrong = (where: string, message: string, remedy: string): ProblemError =>
  new ProblemError({ code: 'usage.invalid', message: `${message}.`, where, remedy })
