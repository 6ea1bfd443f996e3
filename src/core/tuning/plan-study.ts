// A search before it begins: what it would change, how long it takes, what fits, and everything in plain sentences. What is
// shown is what is started.
import type { PlanOption, PresetId } from '#shared/contract/index.ts'
import type { StudyPlan } from '#shared/contract/studies.ts'
import { describeIssue, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, unwrap } from '#shared/result.ts'
import type { Dimension, Pruning, SearchSpace, StudiedValue } from '#shared/study.ts'
import { cardsOf } from '../devices/graphics-cards-in-use.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import { lookAround } from '../devices/surroundings.ts'
import type { Library } from '../system/library.ts'
import type { OpenPlan } from '../training/run-planner.ts'
import { setAt, settingsByPath } from '../training/setting-paths.ts'
import { trialsInMemory } from './plan-trial.ts'
import { countPoints, onlyPoint, proposeSpace } from './search/index.ts'
import { trialRange, withinPoints, workSeconds } from './study-estimate.ts'
import { findPriors } from './study-priors.ts'
import { studySentences } from './study-sentences.ts'
import {
  measuredAlike,
  proposedBudget,
  proposedSeeds,
  pruningOf,
  type StudyWishes,
  startupTrialsOf,
} from './study-wishes.ts'
import { isSearchablePath } from './trial-recipe.ts'

export interface PlanStudyPorts {
  readonly reader: Parameters<typeof findPriors>[0]
  readonly nowMs: number
  /** Graphics cards that runs on the plan's device can take one of each. */
  readonly cards: number
}

export interface Wanted {
  /** Null: of no project yet, so nothing is known from earlier. */
  readonly projectId: string | null
  readonly preset: PresetId
  readonly changes: PlanOption['changes']
  readonly wishes: StudyWishes
}

/** The plan, and what a study is made of. */
export interface PlannedStudy {
  readonly view: StudyPlan
  /** With the way of measuring that all trials have. */
  readonly draft: RecipeDraft
  readonly space: SearchSpace
  readonly pruning: Pruning | null
}

/** Throws ProblemError where there is nothing to plan: no rows, no model, settings that are none. */
export async function planStudy(
  open: OpenPlan,
  wanted: Wanted,
  ports: PlanStudyPorts,
): Promise<PlannedStudy> {
  const { preset, changes, wishes } = wanted
  const { effort } = wishes
  const pruning = pruningOf(wishes.isPruned)
  const draft = measuredAlike(open.recipe(preset, changes), pruning, open.counts.validation)
  const dimensions = dimensionsOf(open, draft, wishes)
  const space = dimensions.flatMap(({ dimension, isIncluded }) => (isIncluded ? [dimension] : []))
  const base = await open.option(preset, changes)
  const blocking = base.blocking ?? spaceProblem(space, draft) ?? rowsProblem(open.counts.validation)
  const asked = wishes.budget ?? proposedBudget(effort, ports.nowMs)
  const sampler = wishes.sampler ?? 'tpe'
  const confirmSeeds = Math.max(1, wishes.confirmSeeds ?? proposedSeeds(effort))
  const largest = blocking === null ? await largestOption(open, wanted, space) : null
  const { lowSeconds, highSeconds } = base.estimate
  const trialSeconds = highSeconds > 0 ? { low: lowSeconds, high: highSeconds } : null
  const { cards } = ports
  const parallel = trialsInMemory(cards, mostBytes(base, largest))
  const { schedule } = wishes
  const { nowMs } = ports
  const points = countPoints({ space, sampler, trials: asked.trials })
  const askedShape = { budget: asked, confirmSeeds, parallel, pruning, trialSeconds, schedule, nowMs }
  const shape = withinPoints(askedShape, points)
  const view: Omit<StudyPlan, 'sentences'> = {
    effort,
    dimensions,
    sampler,
    budget: shape.budget,
    trials: trialRange(shape),
    trialSeconds,
    workSeconds: workSeconds(shape),
    priors: priorsOf(open, draft, space, wanted, ports),
    confirmSeeds,
    parallel,
    blocking: blocking ?? largestProblem(largest),
  }
  const startupTrials = startupTrialsOf(effort)
  const sentences = studySentences({
    ...view,
    pruning,
    schedule,
    base,
    largest,
    space,
    nowMs,
    points,
    startupTrials,
    cards,
  })
  return { view: { ...view, sentences }, draft, space, pruning }
}

/** A value that stands there twice is one value: it would be counted, and tried, as two. */
const withEachOnce = (one: Dimension): Dimension =>
  one.kind === 'choice' ? { ...one, values: [...new Set(one.values)] } : one

function dimensionsOf(open: OpenPlan, draft: RecipeDraft, { space: wanted, effort }: StudyWishes) {
  const { config, model, counts } = open
  const { kind, layers, hidden } = config
  const proposed = proposeSpace({
    recipe: draft,
    model: { kind, layers, hidden, parameters: model.parameters },
    rows: counts.train,
    effort,
  })
  if (wanted === undefined) return proposed
  const space = wanted.map(withEachOnce)
  const own = new Map(space.map((dimension) => [dimension.path, dimension]))
  const rest = proposed.filter(({ dimension }) => !own.has(dimension.path))
  const reasonOf = (path: string): string =>
    proposed.find(({ dimension }) => dimension.path === path)?.reason ?? 'Chosen by you.'
  return [
    ...space.map((dimension) => ({ dimension, isIncluded: true, reason: reasonOf(dimension.path) })),
    ...rest.map((one) => ({ ...one, isIncluded: false })),
  ]
}

/** What takes most memory and time of all that may be tried, as a plan; null where it is not a recipe. */
async function largestOption(
  open: OpenPlan,
  { preset, changes }: Wanted,
  space: SearchSpace,
): Promise<PlanOption | null> {
  const corner = Object.fromEntries(space.map((one) => [one.path, largestValue(one)] as const))
  const tried = await attemptAsync(() => open.option(preset, { ...changes, ...corner }))
  return tried.ok ? tried.value : null
}

/** Null means no limit where a number could stand (all blocks). */
function largestValue(dimension: Dimension): string | number | boolean | null {
  if (dimension.kind !== 'choice') return dimension.high
  const { values } = dimension
  if (values.includes(null)) return null
  const numbers = values.filter((value) => typeof value === 'number')
  return numbers.length === values.length ? Math.max(...numbers) : values[0]!
}

/** Of a trial, at most; of values that cannot fit at all the trials are left out. */
function mostBytes(base: PlanOption, largest: PlanOption | null): number {
  const of = largest === null || largest.blocking !== null ? base : largest
  return Math.max(base.estimate.memoryBytes, of.estimate.memoryBytes)
}

/** A base that fits is no base for a search whose ranges cannot be. */
function largestProblem(largest: PlanOption | null): Problem | null {
  const problem = largest?.blocking ?? null
  return problem !== null && problem.code === 'recipe.invalid' ? problem : null
}

function priorsOf(
  open: OpenPlan,
  draft: RecipeDraft,
  space: SearchSpace,
  { projectId, wishes }: Wanted,
  { reader }: PlanStudyPorts,
): number {
  if (projectId === null || !wishes.usesEarlierResults) return 0
  const { data, before } = open.fingerprints()
  const base = { ...draft, instruction: open.instruction }
  return findPriors(reader, { projectId, modelId: open.model.id, data, before, base, space }).length
}

function spaceProblem(space: SearchSpace, draft: RecipeDraft): Problem | null {
  if (space.length === 0)
    return notReady('There is nothing to search.', 'Include one setting at least, with a range.')
  const wrong = space.find(({ path }, at) => {
    const isTwice = space.findIndex((one) => one.path === path) !== at
    return isTwice || !isSearchablePath(path)
  })
  if (wrong === undefined) return valueProblem(space, draft) ?? samePlanProblem(space, draft)
  return {
    code: 'recipe.invalid',
    message: `At ${wrong.path}: this cannot be searched, or stands there twice.`,
    where: wrong.path,
    remedy: 'Data, model, seed and the way of measuring are the same for all trials.',
  }
}

/** Of a range its ends, and a number between them that is no whole one: a setting may take whole numbers only. */
function triedValues(one: Dimension): readonly StudiedValue[] {
  if (one.kind === 'choice') return one.values
  const between = one.low + (one.high - one.low) * fraction
  const isBetween = one.kind === 'number' && one.low < one.high
  return [one.low, one.high, ...(isBetween ? [between] : [])]
}
const fraction = Math.SQRT1_2

/** Ends and middle of a range, and every choice, must be what the recipe can have. */
function valueProblem(space: SearchSpace, draft: RecipeDraft): Problem | null {
  for (const one of space)
    for (const value of triedValues(one)) {
      const wanted: Record<string, unknown> = { ...draft }
      setAt(wanted, one.path.split('.'), value)
      const parsed = recipeDraft.safeParse(wanted, { reportInput: true })
      if (parsed.success) continue
      const fault = describeIssue(parsed.error)
      // Of a name that no setting has the fault lies in what should hold it: a person looks for what was written.
      const where = fault.where.startsWith(one.path) ? fault.where : one.path
      return {
        code: 'recipe.invalid',
        message: `At ${where}: ${fault.message}.`,
        where,
        remedy: 'Change the range of this setting, or leave it out of the search.',
      }
    }
  return null
}

function samePlanProblem(space: SearchSpace, draft: RecipeDraft): Problem | null {
  const point = onlyPoint(space)
  if (point === null) return null
  const plan = settingsByPath(draft)
  if (Object.entries(point).some(([path, value]) => plan.get(path) !== value)) return null
  return notReady(
    'There is nothing to search: the ranges have a single point, and that is the plan itself.',
    'Give one setting at least a wider range, or another value.',
  )
}

const rowsProblem = (validationRows: number): Problem | null =>
  validationRows > 0
    ? null
    : notReady(
        'There are no validation rows to compare trials on.',
        'Set a share of rows aside for validation in the step "Data".',
      )

const notReady = (message: string, remedy: string): Problem => ({
  code: 'project.not-ready',
  message,
  where: 'the search',
  remedy,
})

export const requirePlan = async (planned: Promise<PlannedStudy>): Promise<PlannedStudy> => {
  const study = await planned
  const { blocking } = study.view
  if (blocking !== null) unwrap({ ok: false, problem: blocking })
  return study
}

/** Cards that this device can be told to take one of each; 1 where there is nothing to choose. */
export async function cardsFor(
  library: Library,
  asked: Parameters<typeof resolveDevice>[1],
  modelId: string,
): Promise<number> {
  const device = await resolveDevice(library, asked, modelId)
  if (!device.ok) return 1
  return Math.max(1, cardsOf(device.value.device, (await lookAround(library)).cards).length)
}
