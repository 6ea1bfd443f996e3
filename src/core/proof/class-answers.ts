// What a new last layer makes of rows, measured as answers are: the scorer process predicts, and beside it stands what can
// be had without training. A model that can be asked is asked as it was; of one that only reads, an untrained head would
// say nothing, so each text has the class whose mean state is nearest in the frozen model.
import type { ClassJob, ClassScore, ClassSide } from '#shared/class-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { type ClassScoreSpec, scoreClasses } from './class-scores.ts'
import { askedRows, measureAnswers, noRow } from './measure-answers.ts'
import type {
  AskedRow,
  MeasuredAnswers,
  MeasurePorts,
  MeasureSpec,
  SubjectAnswer,
} from './measured-answers.ts'

export interface ClassSpec extends MeasureSpec {
  readonly method: Recipe['method']
  readonly classNames: readonly string[]
  readonly tuned: NonNullable<MeasureSpec['tuned']>
  /** The model can be asked in a conversation. */
  readonly isAsked: boolean
  readonly trainingRows: readonly DatasetRow[]
}

/** Problems: those of `measureAnswers`. Throws ProblemError. */
export async function measureClasses(spec: ClassSpec, ports: MeasurePorts): Promise<MeasuredAnswers> {
  const startMs = performance.now()
  const asked = spec.isAsked ? unwrap(await measureAnswers({ ...spec, tuned: null }, ports)) : null
  const rows = asked?.rows ?? askedRows(spec)
  const { scores, leftOut, backend } = await scoreClasses(jobOf(spec, rows), ports)
  const used = rows.filter(({ rowId }) => scores.has(rowId))
  if (used.length === 0) throw noRow(leftOut[0]?.reason)
  const askedOf = new Map(asked?.rows.map(({ rowId }, at) => [rowId, asked.subjects[0]!.answers[at]!]))
  const base = used.map(({ rowId }) => askedOf.get(rowId) ?? answerOf(scores.get(rowId)!, 'base'))
  const tuned = used.map(({ rowId }) => answerOf(scores.get(rowId)!, 'tuned'))
  return {
    rows: used,
    subjects: [
      { way: spec.ways[0]!.name, side: 'base', answers: base },
      { way: spec.ways[0]!.name, side: 'tuned', answers: tuned },
    ],
    leftOut: [...(asked?.leftOut ?? []), ...leftOut],
    backend,
    scoringSeconds: (performance.now() - startMs) / 1000,
    answeringSeconds: 0,
  }
}

const toClassedRow = ({ rowId, prompt, expected }: AskedRow): ClassJob['rows'][number] => ({
  rowId,
  text: prompt.at(-1)?.content ?? '',
  answer: expected,
})

function answerOf(score: ClassScore, side: 'base' | 'tuned'): SubjectAnswer {
  const own: ClassSide | null = score[side]
  if (own === null) throw new Error(`row ${score.rowId} was not measured as ${side}`)
  return {
    text: own.answer,
    lossNats: own.lossNats,
    answerTokens: score.places,
    labelLogProbs: own.logProbs,
    labelTokens: own.logProbs?.map(() => 1) ?? null,
    isCut: false,
    run: null,
  }
}

function jobOf(spec: ClassSpec, rows: readonly AskedRow[]): ClassScoreSpec {
  const { model, tuned, method, scenario, threads, maxTokens, cacheFolder } = spec
  return {
    ...{ tuned, method, scenario, threads, maxTokens, cacheFolder },
    modelFolder: model.folder,
    classNames: [...spec.classNames],
    rows: rows.map(toClassedRow),
    nearest: spec.isAsked
      ? null
      : {
          rows: askedRows({ ...spec, rows: spec.trainingRows }).map(toClassedRow),
          cacheFolder,
          weightsSha256: model.weightsSha256,
        },
  }
}
