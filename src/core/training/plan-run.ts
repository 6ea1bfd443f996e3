// The plan of a run before it starts: its recipe as far as memory lets it be as wanted, what it takes, and what must be
// said of it. Wizard and terminal both go through here.
import { type Task, trainableShapes } from '#engine/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { PlannedModel } from '../models/model-config.ts'
import { fitIntoMemory, fitsInto } from './memory-ladder.ts'
import { type MemoryPlan, type MemoryRequest, planMemory, runFigures } from './memory-plan.ts'
import { methodOf, taskOf } from './method-of.ts'
import { type FittingRows, fittingRows, type RowLengths } from './row-lengths.ts'
import type { RunFigures } from './run-graphs.ts'

export interface PlanRequest {
  readonly recipe: RecipeDraft
  readonly model: PlannedModel
  readonly lengths: RowLengths
  /** Labels of the data; 0 where there are none. */
  readonly classes: number
  readonly availableBytes: number
}

export interface RunPlan {
  /** As wanted, or changed so that it fits. */
  readonly recipe: RecipeDraft
  readonly rows: FittingRows & { readonly longestTokens: number; readonly mostLabelledTokens: number }
  readonly memory: MemoryPlan
  readonly figures: RunFigures
  /** Bytes of what is trained, as a file of float32. */
  readonly trainedBytes: number
  readonly fits: boolean
  /** What was changed for the memory, in plain words; empty where nothing was. */
  readonly sentences: readonly string[]
  /** Longest rows with which it would fit, where it does not. */
  readonly offer: ShorterRows | null
}

export interface ShorterRows {
  readonly maxTokens: number
  readonly leftOutShare: number
}

/** What a chat template puts around an example, about. */
const templateTokens = 15

/** Null where no row is short enough. */
export function planRun(request: PlanRequest): RunPlan | null {
  const { recipe, model, lengths, classes, availableBytes } = request
  const fitting = fittingRows(lengths, recipe.batch.maxTokens)
  if (fitting === null) return null
  const task = taskOf(recipe.method, recipe.scenario, classes, model.config)
  const rows = plannedRows(fitting, recipe, task)
  const requestOf = (changed: RecipeDraft, longest = rows): MemoryRequest => ({
    ...model,
    recipe: changed,
    task,
    rows: longest,
  })
  const figures = new Map<RecipeDraft, RunFigures>()
  const plan = (changed: RecipeDraft): MemoryPlan => {
    const own = runFigures(requestOf(changed))
    figures.set(changed, own)
    return planMemory(requestOf(changed), own)
  }
  const fitted = fitIntoMemory({ recipe, freeBytes: availableBytes, plan })
  const fitsAt = (maxTokens: number): ShorterRows | null => {
    const shorter = fittingRows(lengths, maxTokens)
    if (shorter === null) return null
    const memory = planMemory(requestOf(fitted.recipe, plannedRows(shorter, recipe, task)))
    const leftOutShare = 1 - shorter.share / fitting.share
    return fitsInto(memory, availableBytes) ? { maxTokens, leftOutShare } : null
  }
  const shapes = trainableShapes(model.config, methodOf(recipe.method), task)
  return {
    recipe: fitted.recipe,
    rows,
    memory: fitted.plan,
    figures: figures.get(fitted.recipe)!,
    trainedBytes: shapes.reduce((sum, { shape }) => sum + 4 * shape.reduce((n, size) => n * size, 1), 0),
    fits: fitted.fits,
    sentences: fitted.sentences,
    offer: fitted.fits ? null : offerOf(rows.longestTokens, fitsAt),
  }
}

function plannedRows(fitting: FittingRows, { batch }: RecipeDraft, task: Task) {
  const longestTokens = Math.min(fitting.longestTokens + templateTokens, batch.maxTokens)
  const labelled = task.kind === 'language-model' ? fitting.mostAnswerTokens + 2 : 1
  return {
    ...fitting,
    meanTokens: Math.min(fitting.meanTokens + templateTokens, longestTokens),
    longestTokens,
    mostLabelledTokens: Math.min(task.kind === 'token-classes' ? longestTokens : labelled, longestTokens),
  }
}

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
  { memory, offer }: Pick<RunPlan, 'memory' | 'offer'>,
  totalBytes: number,
): Problem | null {
  if (memory.total <= mostOfAll * totalBytes) return null
  const shorter =
    offer === null
      ? 'Choose a smaller model.'
      : `Choose a smaller model, or allow rows of at most ${offer.maxTokens} tokens (batch.maxTokens): ${offer.leftOutShare < 0.005 ? 'hardly any' : `about ${Math.ceil(100 * offer.leftOutShare)} %`} of the rows would be left out.`
  return {
    code: 'memory.too-small',
    message: `This plan takes about ${formatBytes(memory.total)} of memory, with everything done to take less, and this computer has ${formatBytes(totalBytes)}.`,
    where: 'the plan',
    remedy: shorter,
  }
}

/** The system and other programs need the rest. */
const mostOfAll = 0.85
