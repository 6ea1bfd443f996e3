// What the new last layer of a run makes of a text that somebody brings: its label with the probability of each, or the
// names in it. By a scorer process that stays open for a while.
import type { JournalReader } from '#journal/reader.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, fail, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { modelFolder } from '../models/model-library.ts'
import { type PlacedName, placeNames } from '../scenarios/entity-spans.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { classNamesOf } from '../training/class-names.ts'
import { hasClassHead } from '../training/method-of.ts'
import { datasetOf } from '../training/run-dataset.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { cancelledProblem } from './child-job.ts'
import { type Named, type NamingProcess, openNamingProcess } from './naming-process.ts'

export interface PredictPorts {
  readonly library: Library
  readonly launcher: Launcher
  readonly reader: Pick<JournalReader, 'getRun' | 'artifacts' | 'datasets'>
}

export interface Prediction {
  /** A label, or `KIND: words` lines. */
  readonly answer: string
  /** Names where they stand in the text; null where the whole text has a label. */
  readonly names: readonly PlacedName[] | null
  /** Of every label, the likeliest first; null where words are classified. */
  readonly probabilities: readonly { readonly label: string; readonly probability: number }[] | null
}

/** Texts waiting for their turn, the one that is read among them. */
const mostWaiting = 8

export interface Predictor {
  /**
   * One text after the other, each by the process that the one before left open; another run's is ended first, so that
   * only one model is in memory. Problems: usage.invalid where the run has no such layer or the text is too long,
   * limit.exceeded where too many wait, those of the process and the files.
   */
  predict(runId: string, text: string): Promise<Result<Prediction>>
  /** Ends what is being read, and the process that is kept. */
  close(): Promise<void>
}

export function createPredictor({ library, launcher, reader }: PredictPorts): Predictor {
  let warm: { readonly key: string; readonly process: NamingProcess } | null = null
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let isClosing = false

  async function processFor(run: RunDetail, classNames: readonly string[]): Promise<NamingProcess> {
    const { model, method, scenario, threads, batch } = run.recipe
    const key = `${run.id} ${run.adapterSha256}`
    if (warm?.key === key && warm.process.isOpen) return warm.process
    const tuned = unwrap(await requireTunedUnchanged(library, reader, run.id))
    await warm?.process.close()
    const process = await openNamingProcess(
      {
        ...{ tuned, method, scenario, threads },
        modelFolder: modelFolder(library, model.id),
        classNames: [...classNames],
        maxTokens: batch.maxTokens,
      },
      { launcher, cacheFolder: library.cacheFolder },
    )
    warm = { key, process }
    if (isClosing) await process.close()
    return process
  }

  async function read(runId: string, text: string): Promise<Prediction> {
    if (isClosing) throw new ProblemError(cancelledProblem('scorer process'))
    const run = unwrap(reader.getRun(runId))
    if (!hasClassHead(run.recipe.method)) throw writes(runId)
    const classNames = classNamesOf(run.recipe.scenario, datasetOf(run, reader))
    const process = await processFor(run, classNames)
    return predictionOf(text, unwrap(await process.name(text)), classNames)
  }

  return {
    predict(runId, text) {
      if (waiting >= mostWaiting) return Promise.resolve(fail(tooMany()))
      waiting += 1
      const done = last
        .then(() => attemptAsync(() => read(runId, text)))
        .finally(() => {
          waiting -= 1
        })
      last = done.catch(() => {})
      return done
    },
    async close() {
      isClosing = true
      await warm?.process.close()
      await last
    },
  }
}

function predictionOf(text: string, { side, reason }: Named, classNames: readonly string[]): Prediction {
  if (side === null)
    throw new ProblemError({
      code: 'usage.invalid',
      message: `This text cannot be read: ${reason ?? 'it has no word'}.`,
      where: 'the text',
      remedy: 'Bring another text, or a shorter one.',
    })
  const { answer, logProbs } = side
  const probabilities = logProbs
    ?.map((logProb, index) => ({ label: classNames[index]!, probability: Math.exp(logProb) }))
    .sort((a, b) => b.probability - a.probability)
  const names = probabilities ? null : placeNames(text, answer)
  return { answer, names, probabilities: probabilities ?? null }
}

const tooMany = (): Problem => ({
  code: 'limit.exceeded',
  message: `${mostWaiting} texts are waiting to be read already.`,
  where: 'the text',
  remedy: 'Wait until one of them has been read, and send this one again.',
})

const writes = (runId: string): ProblemError =>
  new ProblemError({
    code: 'usage.invalid',
    message: 'This run trained a model that writes its answers, not a last layer that names labels.',
    where: `run ${runId}`,
    remedy: 'Talk with it instead, on its screen.',
  })
