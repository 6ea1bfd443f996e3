// What the new last layer of a run makes of a text that somebody brings: its label with the probability of each, or the
// names in it. One job of the scorer process.
import type { JournalReader } from '#journal/reader.ts'
import type { ClassScore } from '#shared/class-protocol.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { modelFolder } from '../models/model-library.ts'
import { type PlacedName, placeNames } from '../scenarios/entity-spans.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { classNamesOf } from '../training/class-names.ts'
import { hasClassHead } from '../training/method-of.ts'
import { datasetOf } from '../training/run-dataset.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import { scoreClasses } from './class-scores.ts'

export interface PredictPorts {
  readonly library: Library
  readonly launcher: Launcher
  readonly reader: Pick<JournalReader, 'getRun' | 'artifacts' | 'datasets'>
  readonly signal?: AbortSignal
}

export interface Prediction {
  /** A label, or `KIND: words` lines. */
  readonly answer: string
  /** Names where they stand in the text; null where the whole text has a label. */
  readonly names: readonly PlacedName[] | null
  /** Of every label, the likeliest first; null where words are classified. */
  readonly probabilities: readonly { readonly label: string; readonly probability: number }[] | null
}

/** Problems: usage.invalid where the run has no such layer or the text is too long, those of the process and the files. */
export function predictText(
  runId: string,
  text: string,
  { library, launcher, reader, signal }: PredictPorts,
): Promise<Result<Prediction>> {
  return attemptAsync(async () => {
    const run = unwrap(reader.getRun(runId))
    const { recipe } = run
    if (!hasClassHead(recipe.method)) throw writes(runId)
    const tuned = unwrap(await requireTunedUnchanged(library, reader, runId))
    const { model, method, scenario, threads, batch } = recipe
    const classNames = classNamesOf(scenario, datasetOf(run, reader))
    // What would be right is not known; the loss against it is not looked at.
    const answer = scenario === 'classification' ? classNames[0]! : 'none'
    const { scores, leftOut } = await scoreClasses(
      {
        ...{ tuned, method, scenario, threads, nearest: null, cacheFolder: library.cacheFolder },
        modelFolder: modelFolder(library, model.id),
        classNames: [...classNames],
        maxTokens: batch.maxTokens,
        rows: [{ rowId: 'text', text, answer }],
      },
      { launcher, signal },
    )
    const score = scores.get('text') ?? null
    const reason = leftOut[0]?.reason ?? 'it has no word'
    return predictionOf(text, score, classNames, reason)
  })
}

function predictionOf(
  text: string,
  score: ClassScore | null,
  classNames: readonly string[],
  reason: string,
): Prediction {
  if (score === null)
    throw new ProblemError({
      code: 'usage.invalid',
      message: `This text cannot be read: ${reason}.`,
      where: 'the text',
      remedy: 'Bring another text, or a shorter one.',
    })
  const { answer, logProbs } = score.tuned
  const probabilities = logProbs
    ?.map((logProb, index) => ({ label: classNames[index]!, probability: Math.exp(logProb) }))
    .sort((a, b) => b.probability - a.probability)
  const names = probabilities ? null : placeNames(text, answer)
  return { answer, names, probabilities: probabilities ?? null }
}

const writes = (runId: string): ProblemError =>
  new ProblemError({
    code: 'usage.invalid',
    message: 'This run trained a model that writes its answers, not a last layer that names labels.',
    where: `run ${runId}`,
    remedy: 'Talk with it instead, on its screen.',
  })
