// What a run would do, how long, how much memory, and whether it fits, before it begins: of a project's plan or of a recipe.
import { totalmem } from 'node:os'
import { basename } from 'node:path'
import type { GraphicsCard, PlanOption, PresetId } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import { describeIssue, type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import type { PreparedData } from '../data/check-data.ts'
import { fingerprintOf } from '../data/import-dataset.ts'
import type { PrepareRows } from '../data/prepared-rows.ts'
import { countParts } from '../data/split.ts'
import type { PrepareTexts } from '../data/stage-texts.ts'
import { chooseDevice, type DeviceChoice } from '../devices/choose-device.ts'
import { memoryFactorOf, wattsOf } from '../devices/device-speed.ts'
import { devicesAround } from '../devices/known-devices.ts'
import { lookAround } from '../devices/surroundings.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { type PlannedModel, readPlannedModel } from '../models/model-config.ts'
import { availableMemory, judgeFit } from '../models/model-fit.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { cardMemorySentences } from './card-memory.ts'
import { classNamesOf } from './class-names.ts'
import { countSteps, estimateSeconds, msPerRowOf, type PastRun, rowWork, sumOfTimes } from './estimate.ts'
import { pastRunsOf } from './past-runs.ts'
import { memoryProblem, planRun, type RunPlan } from './plan-run.ts'
import { deviceSentences, planSentences } from './plan-sentences.ts'
import { instructionOf } from './prepare-run.ts'
import { type PresetModel, presetChanges } from './presets.ts'
import { recipeOfProject } from './recipe-of-project.ts'
import { doubtSentences, refusedRecipe, shortReadingSentences } from './recipe-sense.ts'
import { readTokenizer } from './row-lengths.ts'
import { setAt, settingsByPath, stepsOf } from './setting-paths.ts'
import {
  allTooLong,
  measureTrained,
  nearlyAllTooLong,
  type Reading,
  type ReadLengths,
  readingOf,
  readingOfTexts,
  type TrainedLengths,
} from './trained-lengths.ts'

type Changes = PlanOption['changes']

/** A plan that is asked again and again with other settings. */
export interface OpenPlan {
  readonly model: ModelManifest
  readonly config: PlannedModel['config']
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  /** What the data would be called in the library, and the texts of a first stage. */
  fingerprints(): { readonly data: string; readonly before: string | null }
  /** What the model would be told before every example. */
  readonly instruction: string
  /** Throws ProblemError where it is not a recipe. */
  recipe(preset: PresetId, changes: Changes): RecipeDraft
  option(preset: PresetId, changes: Changes): Promise<PlanOption>
}

export interface RunPlanner {
  /** What a plan of this project would be. Throws ProblemError. */
  ofProject(projectId: string): Promise<OpenPlan>
  /** Of a recipe file: no preset stands behind it. Throws ProblemError. */
  ofDraft(draft: RecipeDraft): Promise<OpenPlan>
}

type RecipeFor = (preset: PresetId, changes: Changes, model: PresetModel | null) => RecipeDraft

export function createRunPlanner(
  context: Pick<WorkstationContext, 'library' | 'reader'> &
    Partial<Pick<WorkstationContext, 'comesBack'>> & { readonly pinnedDevice: () => DeviceId | null },
  projects: ProjectSource,
  prepare: PrepareRows,
  prepareTexts: PrepareTexts,
): RunPlanner {
  const { library, reader, comesBack = () => 0 } = context

  const lengths = new WeakMap<PreparedData, Map<string, TrainedLengths>>()
  /** Kept with the rows: every change of a plan asks for the same. */
  async function lengthsOf(
    prepared: PreparedData,
    reading: Reading,
    modelId: string,
  ): Promise<TrainedLengths> {
    const key = JSON.stringify([modelId, reading])
    const known = lengths.get(prepared) ?? new Map<string, TrainedLengths>()
    lengths.set(prepared, known)
    const found = known.get(key)
    if (found !== undefined) return found
    const tokenizer = await readTokenizer(modelFolder(library, modelId))
    const measured = measureTrained(prepared.read.rows, reading, tokenizer)
    known.set(key, measured)
    return measured
  }

  async function open(recipeFor: RecipeFor): Promise<OpenPlan> {
    const usual = recipeFor('balanced', {}, null)
    const model = unwrap(await showModel(library, usual.model))
    const prepared = await prepare(usual.data, usual.scenario)
    const counts = countParts(unwrap(prepared.split))
    const planned = await readPlannedModel(library, model)
    const { scenario } = usual
    const instruction = instructionOf(usual, { facts: prepared.facts, labels: null })
    const texts = usual.before && (await prepareTexts(usual.before, { prepared, scenario }))
    const textLengths = texts && (await lengthsOf(texts, readingOfTexts, model.id))
    const past = pastRunsOf(reader, model.id)
    const around = await lookAround(library)
    const devices = devicesAround(library, around)
    const pinned = context.pinnedDevice()
    const classes = classNamesOf(scenario, prepared).length
    const known = {
      ...{ counts, texts: texts?.read.rows.length ?? 0, model: planned, textLengths },
      ...{ classes, past, cards: around.cards, modelId: model.id },
    }
    return {
      model,
      config: planned.config,
      counts,
      instruction,
      fingerprints: () => ({
        data: fingerprintOf(prepared, scenario),
        before: texts && fingerprintOf(texts, 'domain'),
      }),
      recipe: (preset, changes) => recipeFor(preset, changes, planned.config),
      async option(preset, changes) {
        const recipe = recipeFor(preset, changes, planned.config)
        const lengths = await lengthsOf(prepared, readingOf(recipe, instruction), model.id)
        const choose = (asked: DeviceId | null) => chooseDevice(devices, { asked, pinned, modelId: model.id })
        const wanted = choose(recipe.device)
        const device = unwrap(wanted.ok ? wanted : choose(null))
        return planOf({
          ...{ ...known, lengths, device },
          availableBytes: availableMemory() + comesBack(device.device),
          deviceProblem: wanted.ok ? null : wanted.problem,
          preset,
          changes: Object.fromEntries(settingsByPath(changes)),
          recipe,
        })
      },
    }
  }

  return {
    async ofProject(projectId) {
      const source = unwrap(await projects.sourceOf(projectId))
      return open((preset, changes, model) =>
        unwrap(recipeOfProject(source, { preset, changes, name: null, model })),
      )
    },
    ofDraft: (draft) => open((_preset, changes) => unwrap(withChanges(draft, changes))),
  }
}

/** Settings by path over a recipe that stands already. */
function withChanges(draft: RecipeDraft, changes: Changes): Result<RecipeDraft> {
  const wanted: Record<string, unknown> = { ...draft }
  for (const [path, value] of settingsByPath(changes)) {
    const steps = stepsOf(path)
    if (steps !== null) setAt(wanted, steps, value)
  }
  const parsed = recipeDraft.safeParse(wanted)
  if (parsed.success) return ok(parsed.data)
  const { where, message } = describeIssue(parsed.error)
  const remedy = 'Change this setting, or leave it out.'
  return fail({ code: 'recipe.invalid', message: `At ${where}: ${message}.`, where, remedy })
}

interface Planned extends ReadLengths {
  readonly preset: PresetId
  readonly changes: Changes
  /** As wanted. */
  readonly recipe: RecipeDraft
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  /** Of the first stage; 0 where there is none. */
  readonly texts: number
  readonly model: PlannedModel
  readonly classes: number
  readonly past: readonly PastRun[]
  /** What it is computed on, or would be where what is asked for cannot be used. */
  readonly device: DeviceChoice
  readonly cards: readonly GraphicsCard[]
  readonly modelId: string
  readonly availableBytes: number
  readonly deviceProblem: Problem | null
}

function planOf(planned: Planned): PlanOption {
  const { preset, changes, model, device, deviceProblem, availableBytes } = planned
  const { config } = model
  const memoryFactor = memoryFactorOf(device.figure)
  const refused = refusedRecipe(planned.recipe, config)
  const plan = refused === null ? planRun({ ...planned, memoryFactor }) : null
  const recipe = plan?.recipe ?? planned.recipe
  const memoryBytes = Math.round(plan?.memory.total ?? 0)
  const time = timeOf(planned, plan)
  const kinds = { method: recipe.method.kind, optimizer: recipe.optimizer.kind }
  return {
    preset,
    changes: { ...presetChanges(preset, recipe.scenario, config, kinds), ...changes },
    values: settingsOf(recipe),
    estimate: { ...time, memoryBytes, diskBytes: diskBytes(plan), energyWh: energyOf(device, time) },
    fit: judgeFit(memoryBytes, availableBytes),
    // A model that cannot learn the goal at all has no plan to tell of.
    sentences:
      refused?.where === 'model'
        ? []
        : [
            ...planSentences({ recipe, ...readOf(planned, plan), layers: config.layers }),
            ...deviceSentences(device, memoryFactor),
            ...onCardSentences(planned, plan),
            ...doubtSentences(recipe),
            ...shortReadingSentences(recipe, config),
            ...(plan?.sentences ?? []),
            ...tooLongSentences('rows', plan?.rows.share ?? 1, recipe.batch.maxTokens),
            ...tooLongSentences('texts of your field', plan?.before?.rows.share ?? 1, recipe.batch.maxTokens),
          ],
    isRecommended: preset === 'balanced',
    blocking:
      refused ??
      inPlan(
        deviceProblem ??
          (plan === null
            ? (allTooLong(planned, recipe.batch.maxTokens) ?? nearlyAllTooLong(recipe.batch.maxTokens))
            : memoryProblem(plan, totalmem())),
      ),
  }
}

/** None where nothing can be planned. */
function onCardSentences(
  { device: choice, cards, modelId, model: { bytesPerValue } }: Planned,
  plan: RunPlan | null,
): string[] {
  if (plan === null) return []
  const { memory, recipe } = plan
  return cardMemorySentences({ choice, cards, modelId, memory, base: recipe.method.base, bytesPerValue })
}

type Time = Pick<PlanOption['estimate'], 'lowSeconds' | 'highSeconds'>

/** By the mean power of the measured step; null where no counter could be read, or time is a guess. */
function energyOf({ figure }: DeviceChoice, { lowSeconds, highSeconds }: Time): number | null {
  const watts = wattsOf(figure)
  return watts === null ? null : (watts * (lowSeconds + highSeconds)) / 2 / 3600
}

/** What is left of rows and texts without those that are too long, which a sentence of their own tells of. */
function readOf({ counts, texts }: Planned, plan: RunPlan | null): Pick<Planned, 'counts' | 'texts'> {
  const shareOf = (all: number, share = 1): number => (all === 0 ? 0 : Math.max(1, Math.round(all * share)))
  return {
    counts: { ...counts, train: shareOf(counts.train, plan?.rows.share) },
    texts: shareOf(texts, plan?.before?.rows.share),
  }
}

function timeOf({ counts, texts, past, device, ...planned }: Planned, plan: RunPlan | null) {
  const on = { device: device.device }
  const gflops = device.figure?.gflops ?? null
  const recipe = { ...(plan?.recipe ?? planned.recipe), ...on }
  const trainRows = counts.train * (plan?.rows.share ?? 1)
  const work = plan === null ? noWork : rowWork(plan.figures, recipe, plan.rows)
  const steps = countSteps(trainRows, recipe)
  const msPerRow = msPerRowOf(recipe, past)
  const { validation: validationRows } = counts
  const time = estimateSeconds(recipe, { ...work, steps, trainRows, validationRows }, { msPerRow, gflops })
  if (!plan?.before) return { steps, ...time }
  const { rows, figures } = plan.before
  const first = { ...plan.before.recipe, ...on }
  const textRows = texts * rows.share
  const textWork = rowWork(figures, first, rows)
  const textSteps = countSteps(textRows, first)
  // Where a row of the examples is known, a text takes as much longer as it has more work.
  const known = msPerRowOf(first, past) ?? (msPerRow && (msPerRow * textWork.flopsPerRow) / work.flopsPerRow)
  const speed = { msPerRow: known, gflops }
  const ofTexts = { ...textWork, steps: textSteps, trainRows: textRows, validationRows }
  const before = estimateSeconds(first, ofTexts, speed)
  return { steps: steps + textSteps, ...sumOfTimes(before, time) }
}

const noWork = { flopsPerRow: 0, onceFlopsPerRow: 0 }

/**
 * A checkpoint holds what is trained, what the optimizer keeps and the best version; one more is there before the oldest
 * goes. Of those kept one is older than the newest: it stays until the journal holds that one. At the end stands what the run leaves.
 */
function diskBytes(plan: RunPlan | null): number {
  if (plan === null) return 0
  const { trainedBytes, tunedBytes, memory, recipe } = plan
  return tunedBytes + (Math.max(2, recipe.checkpoints.keepLast) + 1) * (2 * trainedBytes + memory.optimizer)
}

const tooLongSentences = (what: string, share: number, mostTokens: number): string[] =>
  share === 1
    ? []
    : [
        `About ${Math.max(1, Math.round((1 - share) * 100))} % of the ${what} are longer than ${mostTokens} tokens and are left out; fine settings can allow longer ones.`,
      ]

/** Of the first stage's file the screens need its name only. */
function settingsOf({ before, ...recipe }: RecipeDraft): Changes {
  const { model: _model, data: _data, scenario: _scenario, name: _name, ...settings } = recipe
  const stage = before && {
    path: basename(before.path),
    epochs: before.epochs,
    learningRate: before.learningRate,
  }
  return Object.fromEntries(settingsByPath(stage === null ? settings : { before: stage, ...settings }))
}

const inPlan = (problem: Problem | null): Problem | null =>
  problem && { ...problem, code: 'project.not-ready', where: 'the step "Plan"' }
