// The proof of a run: opens the locked test set, has both models answer it, and ends in a report and a verdict. Computes
// no model itself; writes nothing before everything is measured.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestSetOpening } from '#shared/dataset.ts'
import {
  type GeneratedAnswer,
  type GeneratorJob,
  generatorEvent,
  type HashedFolder,
  type ProofReport,
  type RowScore,
  type ScorerEvent,
  type ScorerJob,
  scorerEvent,
} from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { readManifest } from '../data/index.ts'
import { openTestSet } from '../data/test-set.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { asDiskProblem, sha256File, temporaryPath } from '../system/durable-files.ts'
import type { Launcher } from '../system/launcher.ts'
import { cancelledProblem, runChildJob } from './child-job.ts'
import { buildReport } from './report.ts'

export interface ProofSpec {
  readonly runId: string
  readonly scenario: ScenarioId
  /** As in the run's recipe. */
  readonly instruction: string
  readonly model: HashedFolder
  readonly adapter: HashedFolder
  readonly datasetFolder: string
  /** The library's cacheFolder. */
  readonly cacheFolder: string
  readonly threads: number
  /** As in the run's recipe (batch.maxTokens): longer rows are left out with a reason. */
  readonly maxTokens: number
  /** Decides which rows each resample draws. */
  readonly seed: number
  /** Written answers are cut here; left out, at twice the longest expected answer and no earlier than 32. */
  readonly maxAnswerTokens?: number
}

/** Answers written side by side. */
const sequences = 4

/** Where a proof is kept. Both throw a ProblemError where it could not be made durable. */
export interface ProofJournal {
  /** Called, and awaited, before a single test row is read. */
  recordOpening(opening: TestSetOpening & { readonly runId: string }): Promise<void>
  /** Called once, at the end: everything of the report in one transaction, or nothing. */
  saveProof(runId: string, report: ProofReport): Promise<void>
}

export interface ProofProgress {
  readonly phase: 'opening' | 'loading' | 'scoring' | 'answering' | 'computing' | 'saving'
  /** Rows or answers finished in this phase; total 0 where it has no steps. */
  readonly done: number
  readonly total: number
}

export interface ProofPorts {
  readonly launcher: Launcher
  readonly journal: ProofJournal
  readonly onProgress?: (progress: ProofProgress) => void
  /** Ends the proof as `proof.cancelled`; nothing is saved. */
  readonly signal?: AbortSignal
}

/**
 * Measures base and tuned on the test set and saves the report. Problems: proof.cancelled, scorer.failed,
 * generator.failed, data.damaged, data.too-few-rows, model.damaged, checkpoint.damaged, disk.full, and those of the journal.
 */
export function proveRun(spec: ProofSpec, ports: ProofPorts): Promise<Result<ProofReport>> {
  return attemptAsync(async () => {
    const tell = (phase: ProofProgress['phase'], done = 0, total = 0) =>
      ports.onProgress?.({ phase, done, total })
    const startMs = performance.now()
    await requireUnchanged(spec)
    tell('opening')
    const { examples, labels } = await openExamples(spec, ports)
    throwIfAborted(ports)
    tell('loading')
    const scored = await score(spec, ports, examples, labels, tell)
    const scoringMs = performance.now() - startMs
    const answers = labels === null ? await answer(spec, ports, scored, tell) : []
    throwIfAborted(ports)
    tell('computing')
    const endMs = performance.now()
    const report = buildReport({
      metrics: scenarioOf(spec.scenario).metrics,
      rows: scored.rows,
      labels,
      answers,
      leftOut: scored.leftOut,
      seed: spec.seed,
      backend: scored.backend,
      seconds: {
        seconds: (endMs - startMs) / 1000,
        scoringSeconds: scoringMs / 1000,
        answeringSeconds: (endMs - startMs - scoringMs) / 1000,
      },
    })
    throwIfAborted(ports)
    tell('saving')
    await ports.journal.saveProof(spec.runId, report)
    return report
  })
}

type Tell = (phase: ProofProgress['phase'], done?: number, total?: number) => void

/** The figures are about these bytes and no others; the test set is not opened for anything else. */
async function requireUnchanged({ model, adapter }: ProofSpec): Promise<void> {
  const isSame = async (folder: string, name: string, sha256: string) =>
    (await sha256File(join(folder, name)).catch(() => null)) === sha256
  if (!(await isSame(adapter.folder, 'adapter_model.safetensors', adapter.weightsSha256)))
    throw new ProblemError({
      code: 'checkpoint.damaged',
      message: 'The adapter of this run is missing or not the one that the run wrote.',
      where: join(adapter.folder, 'adapter_model.safetensors'),
      remedy: 'Train the run again: its recipe gives the same adapter.',
    })
  if (!(await isSame(model.folder, 'model.safetensors', model.weightsSha256)))
    throw new ProblemError({
      code: 'model.damaged',
      message: "The model's weights are missing or not those that the run was trained with.",
      where: join(model.folder, 'model.safetensors'),
      remedy: 'Remove this model from the library and add it again.',
    })
}

function throwIfAborted({ signal }: ProofPorts): void {
  if (signal?.aborted) throw new ProblemError(cancelledProblem('proof'))
}

/** The test rows as prompts and answers, and every label of the whole data set. */
async function openExamples(
  spec: ProofSpec,
  { journal }: ProofPorts,
): Promise<{ examples: PromptedExample[]; labels: readonly string[] | null }> {
  const scenario = scenarioOf(spec.scenario)
  const { labels, counts } = unwrap(await readManifest(spec.datasetFolder))
  if (counts.test === 0) throw tooFewRows('The test set of this data has no rows.')
  const record = (opening: TestSetOpening) => journal.recordOpening({ ...opening, runId: spec.runId })
  const rows = unwrap(await openTestSet(spec.datasetFolder, record))
  return { examples: rows.flatMap((row) => scenario.toExamples(row, spec.instruction)), labels }
}

const tooFewRows = (message: string): ProblemError =>
  new ProblemError({
    code: 'data.too-few-rows',
    message,
    where: 'the test set',
    remedy: 'Bring more rows, allow longer ones, or set a larger share of them aside for the test.',
  })

interface Scored {
  readonly rows: { readonly example: PromptedExample; readonly score: RowScore }[]
  readonly leftOut: ProofReport['leftOut']
  readonly backend: string
}

async function score(
  spec: ProofSpec,
  ports: ProofPorts,
  examples: readonly PromptedExample[],
  labels: readonly string[] | null,
  tell: Tell,
): Promise<Scored> {
  const scores = new Map<string, RowScore>()
  let leftOut: ProofReport['leftOut'] = []
  let backend = ''
  const onEvent = (event: ScorerEvent): void => {
    if (event.kind === 'plan') ({ leftOut, backend } = event)
    if (event.kind !== 'scores') return
    for (const row of event.rows) scores.set(row.rowId, row)
    tell('scoring', event.done, event.total)
  }
  await inWorkFolder(spec.cacheFolder, async (workFolder) => {
    const job: ScorerJob = {
      modelFolder: spec.model.folder,
      adapterFolder: spec.adapter.folder,
      workFolder,
      threads: spec.threads,
      maxTokens: spec.maxTokens,
      rows: examples.map(({ rowId, prompt, answer }) => ({ rowId, prompt: [...prompt], answer })),
      // With one label there is nothing to choose from: only the loss is measured.
      labels: labels && labels.length > 1 ? [...labels] : null,
    }
    const failure = {
      code: 'scorer.failed',
      what: 'The measuring process',
      remedy: 'Free some memory and start the proof again; the trained model is untouched.',
    } as const
    const { launcher, signal } = ports
    unwrap(
      await runChildJob(launcher, {
        process: 'scorer',
        job,
        eventSchema: scorerEvent,
        onEvent,
        signal,
        failure,
      }),
    )
  })
  const rows = examples.flatMap((example) => {
    const found = scores.get(example.rowId)
    return found ? [{ example, score: found }] : []
  })
  if (rows.length === 0)
    throw tooFewRows(`No test row could be measured: ${leftOut[0]?.reason ?? 'none was scored'}.`)
  return { rows, leftOut, backend }
}

async function answer(
  spec: ProofSpec,
  ports: ProofPorts,
  scored: Scored,
  tell: Tell,
): Promise<GeneratedAnswer[]> {
  const answers: GeneratedAnswer[] = []
  const longest = scored.rows.reduce((most, { score }) => Math.max(most, score.answerTokens), 0)
  const job: GeneratorJob = {
    model: spec.model,
    adapter: spec.adapter,
    cacheFolder: spec.cacheFolder,
    threads: spec.threads,
    sequences,
    maxAnswerTokens: spec.maxAnswerTokens ?? Math.max(32, 2 * longest),
    sides: ['base', 'tuned'],
    rows: scored.rows.map(({ example }) => ({ rowId: example.rowId, prompt: [...example.prompt] })),
  }
  const failure = {
    code: 'generator.failed',
    what: 'The process that writes answers',
    remedy: 'Free some memory and start the proof again; the trained model is untouched.',
  } as const
  const { launcher, signal } = ports
  tell('answering', 0, job.rows.length * job.sides.length)
  const result = await runChildJob(launcher, {
    process: 'generator',
    job,
    eventSchema: generatorEvent,
    onEvent: (event) => {
      if (event.kind !== 'answer') return
      answers.push(event.answer)
      tell('answering', event.done, event.total)
    },
    signal,
    failure,
  })
  unwrap(result)
  return answers
}

/** A folder for files of one measurement. Its temporary name lets the next start sweep what a killed one left. */
async function inWorkFolder(cacheFolder: string, work: (folder: string) => Promise<void>): Promise<void> {
  let folder: string
  try {
    folder = await mkdtemp(temporaryPath(join(cacheFolder, 'proof')))
  } catch (error) {
    throw asDiskProblem(error, cacheFolder)
  }
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
