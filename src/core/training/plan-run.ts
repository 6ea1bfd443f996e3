// The plan of a run before it starts: its recipe as far as memory lets it be as wanted, what it takes, and what must be
// said of it. Wizard and terminal both go through here.
import { parameterCount, type Task, trainableShapes } from '#engine/index.ts'
import type { Recipe, RecipeDraft } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { PlannedModel } from '../models/model-config.ts'
import { firstStageOf } from './first-stage.ts'
import { fitIntoMemory, fitsInto } from './memory-ladder.ts'
import { type MemoryPlan, type MemoryRequest, planMemory, runFigures, scaledPlan } from './memory-plan.ts'
import { methodOf, taskOf } from './method-of.ts'
import { type FittingRows, fittingRows, type RowLengths } from './row-lengths.ts'
import type { PlannedRows, RunFigures } from './run-graphs.ts'
import { mayShareStart } from './shared-start.ts'
import { tunedKindOf } from './tuned-version.ts'

/** What of a recipe decides its plan: a draft, or one that is frozen. */
export type PlannableRecipe = Omit<
  Recipe,
  'version' | 'model' | 'data' | 'before' | 'instruction' | 'threads' | 'device'
> & { readonly before: Pick<NonNullable<Recipe['before']>, 'epochs' | 'learningRate'> | null }

export interface PlanRequest<R extends PlannableRecipe = RecipeDraft> {
  readonly recipe: R
  readonly model: PlannedModel
  readonly lengths: RowLengths
  /** Of the texts of a first stage; null where there is none. */
  readonly textLengths: RowLengths | null
  /** Labels of the data; 0 where there are none. */
  readonly classes: number
  readonly availableBytes: number
  /** How many times what is planned the run's device takes, measured; left out, as planned. */
  readonly memoryFactor?: number
}

export interface RunPlan<R extends PlannableRecipe = RecipeDraft> {
  /** As wanted, or changed so that it fits. */
  readonly recipe: R
  readonly rows: PlannedRun['rows']
  /** Of the stage that takes more. */
  readonly memory: MemoryPlan
  readonly figures: RunFigures
  /** Null where there is no first stage. */
  readonly before: PlannedRun<R> | null
  /** Bytes of what is trained, as a file of float32. */
  readonly trainedBytes: number
  /** Bytes of what the run leaves: an adapter, or a whole model with what was trained as float32. */
  readonly tunedBytes: number
  readonly fits: boolean
  /** What was changed for the memory, in plain words; empty where nothing was. */
  readonly sentences: readonly string[]
  /** Longest rows with which it would fit, where it does not. */
  readonly offer: ShorterRows | null
}

/** Rows of one stage, and its graphs. */
export interface PlannedRun<R extends PlannableRecipe = RecipeDraft> {
  readonly recipe: R
  readonly rows: FittingRows & PlannedRows
  readonly figures: RunFigures
}

export interface ShorterRows {
  readonly maxTokens: number
  /** Of the rows that are used now. */
  readonly leftOutShare: number
  /** Of the texts of the first stage; 0 where there is none. */
  readonly leftOutTextShare: number
}

/** What a chat template puts around an example, about. */
const templateTokens = 15
/** What a tokenizer puts around a text that a new last layer reads. */
const frameTokens = 2

/** Null where no row, or no text of the first stage, is short enough. */
export function planRun<R extends PlannableRecipe>(request: PlanRequest<R>): RunPlan<R> | null {
  const { recipe, availableBytes, model, classes } = request
  const stages = stagesOf(request, recipe)
  if (stages === null) return null
  const task = taskOf(recipe.method, recipe.scenario, classes, model.config)
  const planned = new Map<R, ReturnType<typeof planStages<R>>>()
  const plan = (changed: R): MemoryPlan => {
    const own = planStages(request, stagesOf(request, changed)!)
    planned.set(changed, own)
    return own.memory
  }
  const fitted = fitIntoMemory({ recipe, freeBytes: availableBytes, plan })
  const { examples, before } = planned.get(fitted.recipe)!
  const fitsAt = (maxTokens: number): ShorterRows | null => {
    const shorter = stagesOf(request, fitted.recipe, maxTokens)
    if (shorter === null) return null
    if (!fitsInto(planStages(request, shorter).memory, availableBytes)) return null
    return {
      maxTokens,
      leftOutShare: leftOut(stages.examples, shorter.examples),
      leftOutTextShare: leftOut(stages.before, shorter.before),
    }
  }
  const shapes = trainableShapes(model.config, methodOf(recipe.method), task)
  const trained = shapes.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0)
  const untrained = parameterCount(model.config, task) - trained
  const leavesModel = tunedKindOf(recipe.method) === 'model'
  const longest = Math.max(examples.rows.longestTokens, before?.rows.longestTokens ?? 0)
  return {
    recipe: fitted.recipe,
    rows: examples.rows,
    memory: fitted.plan,
    figures: examples.figures,
    before,
    trainedBytes: 4 * trained,
    tunedBytes: 4 * trained + (leavesModel ? model.bytesPerValue * untrained : 0),
    fits: fitted.fits,
    sentences: fitted.sentences,
    offer: fitted.fits ? null : offerOf(longest, fitsAt),
  }
}

interface Stage<R extends PlannableRecipe> {
  readonly recipe: R
  readonly task: Task
  readonly rows: PlannedRun['rows']
}

interface Stages<R extends PlannableRecipe> {
  readonly examples: Stage<R>
  readonly before: Stage<R> | null
}

/** What each stage reads of rows up to `maxTokens`; null where one of them has no row that is short enough. */
function stagesOf<R extends PlannableRecipe>(
  { model, lengths, textLengths, classes }: PlanRequest<R>,
  recipe: R,
  maxTokens = recipe.batch.maxTokens,
): Stages<R> | null {
  const stageOf = (own: R, of: RowLengths): Stage<R> | null => {
    const fitting = fittingRows(of, maxTokens)
    const task = taskOf(own.method, own.scenario, classes, model.config)
    if (!fitting) return null
    const rows = plannedRows(fitting, own, task)
    return { recipe: own, task, rows: mayShareStart(own, model.config) ? rows : { ...rows, sharedTokens: 0 } }
  }
  const examples = stageOf(recipe, lengths)
  const first = firstStageOf(recipe)
  const before = first && textLengths && stageOf(first, textLengths)
  if (examples === null || (before === null && first !== null)) return null
  return { examples, before }
}

/** Both stages hold the same weights, one after the other: memory is that of the one that takes more. */
function planStages<R extends PlannableRecipe>(
  { model, memoryFactor = 1 }: PlanRequest<R>,
  { examples, before }: Stages<R>,
) {
  const planOf = (stage: Stage<R>) => {
    const asked: MemoryRequest = { ...model, ...stage, isMeasured: stage !== before }
    const figures = runFigures(asked)
    return { ...stage, figures, memory: scaledPlan(planMemory(asked, figures), memoryFactor) }
  }
  const ofExamples = planOf(examples)
  const ofTexts = before && planOf(before)
  const isLarger = ofTexts !== null && ofTexts.memory.total > ofExamples.memory.total
  return { examples: ofExamples, before: ofTexts, memory: isLarger ? ofTexts.memory : ofExamples.memory }
}

function plannedRows(
  fitting: FittingRows,
  { batch, scenario }: PlannableRecipe,
  task: Task,
): PlannedRun['rows'] {
  const around = scenario === 'domain' ? 1 : task.kind === 'language-model' ? templateTokens : frameTokens
  const longestTokens = Math.min(fitting.longestTokens + around, batch.maxTokens)
  const labelled = task.kind === 'language-model' ? fitting.mostAnswerTokens + 2 : 1
  return {
    ...fitting,
    meanTokens: Math.min(fitting.meanTokens + around, longestTokens),
    longestTokens,
    mostLabelledTokens: Math.min(task.kind === 'token-classes' ? longestTokens : labelled, longestTokens),
    longestSourceTokens: Math.min(fitting.mostPromptTokens + 2, longestTokens),
  }
}

const leftOut = (now: Stage<PlannableRecipe> | null, shorter: Stage<PlannableRecipe> | null): number =>
  now === null || shorter === null ? 0 : 1 - shorter.rows.share / now.rows.share

const offeredShares = [3 / 4, 1 / 2, 3 / 8, 1 / 4, 1 / 8]

function offerOf(longestTokens: number, fitsAt: (maxTokens: number) => ShorterRows | null) {
  for (const share of offeredShares) {
    const offer = fitsAt(Math.floor(longestTokens * share))
    if (offer !== null) return offer
  }
  return null
}

/** Why a run cannot begin, where memory is the reason even with every change; null where it may. */
export function memoryProblem(
  { memory, offer }: Pick<RunPlan<PlannableRecipe>, 'memory' | 'offer'>,
  totalBytes: number,
): Problem | null {
  if (memory.total <= mostOfAll * totalBytes) return null
  return {
    code: 'memory.too-small',
    message: `This plan takes about ${formatBytes(memory.total)} of memory, with everything done to take less, and this computer has ${formatBytes(totalBytes)}.`,
    where: 'the plan',
    remedy:
      offer === null
        ? 'Choose a smaller model.'
        : `Choose a smaller model, or allow rows of at most ${offer.maxTokens} tokens (batch.maxTokens): ${lossWords(offer)} would be left out.`,
  }
}

/** Of texts nothing is said where none is lost. */
function lossWords({ leftOutShare, leftOutTextShare }: ShorterRows): string {
  const rows = `${shareWords(leftOutShare)} of the rows`
  return leftOutTextShare === 0
    ? rows
    : `${rows}, and ${shareWords(leftOutTextShare)} of the texts of the first stage,`
}

const shareWords = (share: number): string =>
  share < 0.005 ? 'hardly any' : `about ${Math.ceil(100 * share)} %`

/** The system and other programs need the rest. */
const mostOfAll = 0.85
