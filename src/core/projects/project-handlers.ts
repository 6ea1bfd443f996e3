// Projects and the scenarios they begin with.
import { languageModel } from '#engine/index.ts'
import type { ProjectCard, ProjectDetail, ScenarioFacts, SomeHandlers } from '#shared/contract/index.ts'
import { everyRun } from '#shared/journal-commands.ts'
import { activeStatuses, type JournalProject, type RunSummary } from '#shared/journal-types.ts'
import { type RecipeDraft, recipeDraft } from '#shared/recipe.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import type { DeviceChoice } from '../devices/choose-device.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import { moveFolderToBin, removeRuns } from '../experiments/remove-runs.ts'
import { knownModels } from '../models/known-models.ts'
import { showModel } from '../models/model-library.ts'
import { allScenarios, type Scenario } from '../scenarios/scenarios.ts'
import { requireAtRest } from '../system/work-under-way.ts'
import { countSteps, estimateSeconds, msPerRowOf, type PastRun, rowWork } from '../training/estimate.ts'
import { pastRunsOf } from '../training/past-runs.ts'
import { figuresOfRun } from '../training/run-graphs.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import type { ProjectStore } from './project-store.ts'
import { type Sample, sampleOf } from './samples.ts'

type ProjectCallNames =
  | 'scenarios.list'
  | 'projects.list'
  | 'projects.create'
  | 'projects.get'
  | 'projects.rename'
  | 'projects.saveDraft'
  | 'projects.addSample'
  | 'projects.removeFile'
  | 'projects.removeBefore'
  | 'projects.remove'

const shownRuns = 50

export function createProjectHandlers(
  context: WorkstationContext,
  store: ProjectStore,
): SomeHandlers<ProjectCallNames> {
  const { library, reader, writer, host, emit } = context

  const projectOf = (projectId: string): JournalProject => unwrap(reader.project(projectId))

  const runsOf = (projectId: string): RunSummary[] => [
    ...unwrap(reader.listRuns({ projectId, limit: shownRuns })).runs,
  ]

  async function detail(projectId: string): Promise<ProjectDetail> {
    const project = projectOf(projectId)
    const [files, before] = await Promise.all([store.files(projectId), store.beforeFile(projectId)])
    return { project, draft: store.readDraft(projectId), files, before, runs: runsOf(projectId) }
  }

  /** The new state, told to every screen. */
  async function changed(projectId: string): Promise<ProjectDetail> {
    emit('projects.changed', { projectId })
    return detail(projectId)
  }

  /** `rowsOf` says how many rows a data set has; a project's are those of its newest run. */
  async function card(project: JournalProject, rowsOf: ReadonlyMap<string, number>): Promise<ProjectCard> {
    const { rows, total } = unwrap(reader.experiments({ projectId: project.id, limit: shownRuns }))
    const proved = rows.flatMap(({ id, proof }) => (proof === null ? [] : [{ runId: id, ...proof }]))
    const newest = proved[0] ?? null
    const best = newest && proved.find((one) => one.metric === newest.metric && one.verdict === 'better')
    const shown = best ?? newest
    const times = rows.flatMap(({ createdAtMs, endedAtMs }) => [createdAtMs, endedAtMs ?? 0])
    const files = await store.files(project.id)
    return {
      project,
      runs: total,
      rows: rowsOf.get(rows[0]?.datasetFingerprint ?? '') ?? null,
      lastActivityMs: Math.max(project.createdAtMs, ...times),
      best: shown && {
        runId: shown.runId,
        verdict: shown.verdict,
        metric: shown.metric,
        tuned: shown.tuned,
        base: shown.base,
      },
      activeRunId: rows.find(({ status }) => activeStatuses.includes(status))?.id ?? null,
      hasSample: files.some(({ isSample }) => isSample),
    }
  }

  async function addSample(projectId: string): Promise<void> {
    await store.addSample(projectId, sampleOf(projectOf(projectId).scenario).path)
  }

  return {
    'scenarios.list': () =>
      attemptAsync(async () => {
        const starter = await showModel(library, 'starter')
        const past = starter.ok ? pastRunsOf(reader, starter.value.id) : []
        const device = unwrap(await resolveDevice(library, null, starter.ok ? starter.value.id : null))
        return { scenarios: allScenarios.map((one) => factsOf(one, past, device)) }
      }),
    'projects.list': () =>
      attemptAsync(async () => {
        const rowsOf = new Map(
          unwrap(reader.datasets()).map(({ fingerprint, counts }) => [
            fingerprint,
            counts.train + counts.validation + counts.test,
          ]),
        )
        const cards = await Promise.all(unwrap(reader.projects()).map((project) => card(project, rowsOf)))
        return { projects: cards.sort((a, b) => b.lastActivityMs - a.lastActivityMs) }
      }),
    'projects.create': ({ name, scenario, goal, language, withSample }) =>
      attemptAsync(async () => {
        const { id } = unwrap(writer.addProject({ name, scenario, goal }))
        await store.writeDraft(id, { ...store.readDraft(id), language, step: 'data' })
        if (withSample) await addSample(id)
        return changed(id)
      }),
    'projects.get': ({ projectId }) => attemptAsync(() => detail(projectId)),
    'projects.rename': ({ projectId, name, goal }) =>
      attemptAsync(() => {
        unwrap(writer.renameProject(projectId, name, goal))
        return changed(projectId)
      }),
    'projects.saveDraft': ({ projectId, draft }) =>
      attemptAsync(async () => {
        projectOf(projectId)
        await store.writeDraft(projectId, draft)
        return changed(projectId)
      }),
    'projects.addSample': ({ projectId }) =>
      attemptAsync(async () => {
        await addSample(projectId)
        return changed(projectId)
      }),
    'projects.removeFile': ({ projectId, name }) =>
      attemptAsync(async () => {
        projectOf(projectId)
        unwrap(await host.moveToBin(unwrap(await store.filePath(projectId, name))))
        return changed(projectId)
      }),
    'projects.removeBefore': ({ projectId }) =>
      attemptAsync(async () => {
        projectOf(projectId)
        const path = await store.beforePath(projectId)
        if (path !== null) unwrap(await host.moveToBin(path))
        return changed(projectId)
      }),
    'projects.remove': ({ projectId }) =>
      attemptAsync(async () => {
        // Before anything is moved: a project of which half is in the bin helps nobody.
        requireAtRest(context, projectId, projectOf(projectId).name)
        const { runs } = unwrap(reader.listRuns({ ...everyRun, projectId }))
        const nameOf = new Map(runs.map(({ id, name }) => [id, name]))
        const { removed, failed } = await removeRuns(context, [...nameOf.keys()])
        if (removed > 0) emit('experiments.changed', { runId: null })
        // With a run that stays its project stays too, and so do the rows.
        if (failed.length === 0) {
          await moveFolderToBin(context, store.folderOf(projectId))
          unwrap(writer.removeProject(projectId))
        }
        emit('projects.changed', { projectId })
        return { removed, failed: failed.map((one) => ({ ...one, name: nameOf.get(one.runId) ?? '' })) }
      }),
  }
}

/** Of most texts and of what holds them in a file. */
const charactersPerToken = 4

const usualRows = { longestTokens: 80, mostLabelledTokens: 20, meanTokens: 80 }
let operationsPerToken: number | null = null

/** Of the starter model with the recipe's own settings; the graphs are the same for every goal. */
function starterOperationsPerToken(recipe: RecipeDraft): number {
  const { config } = knownModels[0]!
  if (operationsPerToken === null) {
    const figures = figuresOfRun({ config, recipe, task: languageModel, rows: usualRows })
    operationsPerToken = rowWork(figures, recipe, usualRows).flopsPerRow / usualRows.meanTokens
  }
  return operationsPerToken
}

/** What the balanced plan, whose settings are the recipe's own, would say of the sample and the starter model. */
function sampleTime(
  scenario: Scenario,
  { rows, charactersPerRow }: Sample,
  past: readonly PastRun[],
  { device, figure }: DeviceChoice,
): ScenarioFacts['sample']['time'] {
  const draft = recipeDraft.parse({
    ...{ model: 'starter', data: { path: '-' }, scenario: scenario.id },
    // As every preset says.
    reuseFrozenLayers: true,
  })
  const recipe = { ...draft, device }
  const { validationShare, testShare } = recipe.data
  const trainRows = rows * (1 - validationShare - testShare)
  const characters = charactersPerRow + scenario.defaultInstruction({ labels: [] }).length
  const flopsPerRow = (starterOperationsPerToken(recipe) * characters) / charactersPerToken
  const steps = countSteps(trainRows, recipe)
  const validationRows = rows * validationShare
  const work = { steps, trainRows, validationRows, flopsPerRow, onceFlopsPerRow: 0 }
  const speed = { msPerRow: msPerRowOf(recipe, past), gflops: figure?.gflops ?? null }
  const { basis, ...time } = estimateSeconds(recipe, work, speed)
  return basis === 'guess' ? null : time
}

function factsOf(scenario: Scenario, past: readonly PastRun[], device: DeviceChoice): ScenarioFacts {
  const sample = sampleOf(scenario.id)
  return {
    id: scenario.id,
    title: scenario.title,
    description: scenario.description,
    brings: scenario.brings,
    before: scenario.sample.input,
    after: scenario.sample.answer,
    roles: scenario.roles.map(({ name, title, help, isRequired, kind }) => ({
      name,
      title,
      help,
      isRequired,
      kind,
    })),
    metrics: [...scenario.metrics],
    sample: {
      fileName: sample.fileName,
      rows: sample.rows,
      time: sampleTime(scenario, sample, past, device),
    },
  }
}
