// "Should I train?": the base model answers validation rows with the instruction alone and with fixed examples before it.
// The locked rows stay locked. The result is kept in the project's folder.
import { join } from 'node:path'
import type { ModelConfig } from '#engine/index.ts'
import { type Advice, advice as adviceSchema, type SomeHandlers } from '#shared/contract/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { importDataset } from '../data/import-dataset.ts'
import { readPlannedModel } from '../models/model-config.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import type { ProjectSource } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import { evaluateAnswers } from '../proof/evaluate-answers.ts'
import { measureAnswers, plainWay } from '../proof/measure-answers.ts'
import { proofPhaseWords } from '../proof/prove-journaled-run.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { JobTools } from '../system/jobs.ts'
import { readKept, writeKept } from '../system/kept-json.ts'
import { describeMachine } from '../system/machine.ts'
import { instructionOf } from '../training/prepare-run.ts'
import { recipeOfProject } from '../training/recipe-of-project.ts'
import { refusedRecipe } from '../training/recipe-sense.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { chooseExamples, spreadOver, withExamples } from './few-shot.ts'
import { recommend } from './recommend.ts'

/** Enough to tell a hopeless start apart in a minute or two on a small computer. */
const mostRows = 60
const shots = 4
/** The same work as a proof's, on other rows. */
const phaseWords = { ...proofPhaseWords, scoring: 'Measuring rows that steer' }

export function createAdviceHandlers(
  context: WorkstationContext,
  projects: ProjectSource,
  store: ProjectStore,
): SomeHandlers<'advice.get' | 'advice.start'> {
  const { library, launcher, jobs } = context
  const pathOf = (projectId: string): string => join(store.folderOf(projectId), 'advice.json')

  async function open(projectId: string) {
    const source = unwrap(await projects.sourceOf(projectId))
    const recipe = unwrap(
      recipeOfProject(source, { preset: 'balanced', changes: {}, name: null, model: null }),
    )
    return { project: source.project, recipe, model: unwrap(await showModel(library, recipe.model)) }
  }

  async function measure(projectId: string, { signal, tell }: JobTools): Promise<Advice> {
    tell('Reading the rows')
    const { recipe, model } = await open(projectId)
    const manifest = unwrap(await importDataset(library, recipe.data, recipe.scenario))
    const folder = datasetFolder(library, manifest.fingerprint)
    const there = unwrap(await readSplit(folder, 'validation'))
    if (there.length === 0) throw noRows()
    const scenario = scenarioOf(recipe.scenario)
    const instruction = instructionOf(recipe, manifest)
    const learnt = unwrap(await readSplit(folder, 'train')).flatMap((row) =>
      scenario.toExamples(row, instruction),
    )
    const examples = chooseExamples(learnt, shots, recipe.seed)
    const ways = examples.length === 0 ? [plainWay] : [plainWay, withExamples(examples)]
    const measured = unwrap(
      await measureAnswers(
        {
          scenario: recipe.scenario,
          instruction,
          rows: spreadOver(there, mostRows),
          labels: manifest.labels,
          ways,
          model: { folder: modelFolder(library, model.id), weightsSha256: model.weightsSha256 },
          tuned: null,
          cacheFolder: library.cacheFolder,
          threads: recipe.threads ?? describeMachine().physicalCores,
          maxTokens: Math.max(recipe.batch.maxTokens, 1024),
        },
        {
          launcher,
          signal,
          onProgress: ({ phase, done, total }) => tell(phaseWords[phase], done, total),
        },
      ),
    )
    const { results } = await evaluateAnswers(measured, {
      scenario: recipe.scenario,
      labels: manifest.labels,
      trainingTexts: learnt.map(({ answer }) => answer),
      seed: recipe.seed,
    })
    const [main] = results
    if (main === undefined) throw noRows()
    const [plain, fewShot = null] = main.values
    const difference = main.differences[1]?.interval ?? { value: 0, low: 0, high: 0 }
    const seconds = measured.scoringSeconds + measured.answeringSeconds
    const hasInstruction = learnt.some(({ prompt }) => prompt.length > 0)
    const figures = {
      metric: main.metric,
      rows: main.rows,
      hasInstruction,
      plain: plain!,
      fewShot,
      difference,
    }
    return {
      measuredAtMs: Date.now(),
      modelId: model.id,
      rows: main.rows,
      rowsThere: there.length,
      metric: main.metric,
      answerMs: (1000 * seconds) / (measured.rows.length * ways.length),
      subjects: [
        { subject: 'plain' as const, value: plain!, shots: 0 },
        ...(fewShot === null
          ? []
          : [{ subject: 'few-shot' as const, value: fewShot, shots: examples.length }]),
      ],
      difference,
      ...recommend(figures),
    }
  }

  return {
    'advice.get': ({ projectId }) =>
      attemptAsync(async () => {
        unwrap(await projects.sourceOf(projectId))
        return { advice: readKept(pathOf(projectId), adviceSchema) }
      }),
    'advice.start': ({ projectId }): Promise<Result<{ jobId: string }>> =>
      attemptAsync(async () => {
        const { project, recipe, model } = await open(projectId)
        const { config } = await readPlannedModel(library, model)
        const problem = onlyReads(recipe, config)
        if (problem !== null) throw new ProblemError(problem)
        const about = { title: project.name, projectId, modelId: model.id }
        const job = { kind: 'advice', ...about, key: `advice ${projectId}` } as const
        return jobs.start(job, (tools) =>
          attemptAsync(async () => {
            const found = await measure(projectId, tools)
            await writeKept(pathOf(projectId), found)
            return found
          }),
        )
      }),
  }
}

/** Null where it can be asked. Where it cannot learn the goal either, that is what a person has to know. */
function onlyReads(recipe: RecipeDraft, config: ModelConfig): Problem | null {
  if (config.kind !== 'encoder') return null
  const refused = refusedRecipe(recipe, config)
  if (refused?.where === 'model') return refused
  return {
    code: 'project.not-ready',
    message:
      'This model only reads (encoder) and cannot be asked: what it can do without training cannot be measured.',
    where: 'the step "Should I train?"',
    remedy: 'Skip this and plan the training: it gives the model a new last layer, which names your labels.',
  }
}

const noRows = (): ProblemError =>
  new ProblemError({
    code: 'data.too-few-rows',
    message: 'There are no rows to measure on.',
    where: 'the rows that steer',
    remedy: 'Bring more rows, or set a larger share of them aside.',
  })
