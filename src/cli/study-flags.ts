// Flags of `studies plan` and `studies start`, and what of a search each of them says.
import { nextTimeMs } from '#core/tuning/study-schedule.ts'
import type { StudyWishes } from '#core/tuning/study-wishes.ts'
import { presetIds } from '#shared/contract/index.ts'
import { searchEfforts, studyCalls } from '#shared/contract/studies.ts'
import { isVisible } from '#shared/fields.ts'
import { ProblemError } from '#shared/result.ts'
import {
  type Dimension,
  fewestSeeds,
  mostOfStudy,
  type Schedule,
  type StudiedValue,
  samplerKinds,
  searchSpace,
} from '#shared/study.ts'

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
const mostHours = 1_000_000

/** Throws ProblemError (`usage.invalid`) with the flag that cannot be read. */
export function readStudyFlags(flags: StudyFlags, nowMs: number = Date.now()): ReadFlags {
  if (flags.name !== undefined && (!isVisible(flags.name) || flags.name.length > mostOfStudy.nameCharacters))
    throw wrong(
      '--name',
      `A name has 1 to ${mostOfStudy.nameCharacters} characters, and one at least that can be seen`,
      'Leave it out for a name by the data.',
    )
  const budget = budgetOf(flags, nowMs)
  const { preset = 'balanced', effort, sampler, searchSeed, confirm, night, space = [] } = flags
  const parsed = studyCalls['studies.plan'].input.parse({
    projectId: 'any',
    preset: oneOf('--preset', preset, presetIds, 'a plan that a search can begin from'),
    changes: {},
    isPruned: flags.pruning !== false,
    usesEarlierResults: flags.earlier !== false,
    ...(effort !== undefined && { effort: oneOf('--effort', effort, searchEfforts, 'how hard to search') }),
    ...(sampler !== undefined && {
      sampler: oneOf('--sampler', sampler, samplerKinds, 'a way to choose the next trial'),
    }),
    ...(searchSeed !== undefined && { seed: wholeOf('--seed', searchSeed, 0, mostOfStudy.seed) }),
    ...(confirm !== undefined && { confirmSeeds: seedsOf(confirm) }),
    ...(budget !== null && { budget }),
    ...(night !== undefined && { schedule: nightOf(night) }),
    ...(space.length > 0 && { space: spaceOf(space) }),
  })
  const { projectId: _projectId, preset: plan, changes: _changes, ...wishes } = parsed
  return { preset: plan, wishes }
}

function oneOf(flag: string, text: string, known: readonly string[], what: string): string {
  if (known.includes(text)) return text
  throw wrong(flag, `"${text}" is not ${what}`, `Write ${flag} with one of these: ${known.join(', ')}.`)
}

function wholeOf(flag: string, text: string, low: number, high: number, told?: FlagWords): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isInteger(value) && value >= low && value <= high) return value
  const { what = `a whole number from ${low} to ${high}`, help = `Write it like ${flag} 3.` } = told ?? {}
  throw wrong(flag, `"${text}" is not ${what}`, help)
}

interface FlagWords {
  readonly what: string
  readonly help: string
}

const seedWords: FlagWords = {
  what: `a number of seeds: it is a whole number from ${fewestSeeds} to ${mostOfStudy.confirmSeeds}, or 0`,
  help: 'Write --confirm 3 to train plan and best trial with 3 seeds each, or --confirm 0 to leave this out.',
}

const seedsOf = (text: string): number =>
  text.trim() === '0' ? 0 : wholeOf('--confirm', text, fewestSeeds, mostOfStudy.confirmSeeds, seedWords)

function spaceOf(texts: readonly string[]): Dimension[] {
  if (texts.length <= mostOfStudy.ranges) return texts.map(dimensionOf)
  throw wrong(
    '--space',
    `${texts.length} ranges are too many: a search has at most ${mostOfStudy.ranges}`,
    spaceHelp,
  )
}

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
  if (Number.isInteger(trials) && trials >= 1 && trials <= mostOfStudy.trials) return trials
  const message = `"${text}" is not a number of trials: it is a whole number, at least 1 and at most ${mostOfStudy.trials}`
  throw wrong('--trials', message, 'Say how many trials there are to be: --trials 12.')
}

function workOf(text: string): number {
  const hours = numberOf('--hours', text)
  const workMs = Math.round(hours * hourMs)
  if (workMs >= leastWorkMs && hours <= mostHours) return workMs
  const message = `"${text}" is no time to work: it is at least a second (0.0003 hours) and at most ${mostHours} hours`
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
  // Of our own rules the sentence says more; a schema's is not for people.
  const own = parsed.success ? undefined : parsed.error.issues.find(({ code }) => code === 'custom')
  throw wrong('--space', `"${text}" is no range${own ? `: ${own.message}` : ''}`, spaceHelp)
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
