// The findings about a run of the journal, and about one that a trainer works on. Of two stages the second is looked at, as
// if it were a run of its own: the first one is not measured, and learns something else.
import type { JournalReader } from '#journal/reader.ts'
import type { Diagnosis } from '#shared/contract/index.ts'
import { datasetManifest } from '#shared/dataset.ts'
import { activeStatuses, type RunCurve, type RunDetail, type TrainPoint } from '#shared/journal-types.ts'
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'
import type { DiagnosedCurve } from './curve-view.ts'
import { type DiagnosedEnd, diagnose } from './diagnosis.ts'
import type { DiagnosedPlan } from './finding.ts'
import { givenUp, type SearchReader } from './run-of-search.ts'

export type DiagnosisReader = Pick<JournalReader, 'datasets' | 'thinCurve'>

/** From the journal alone, of one that lives too: its own process may be another. */
export function diagnosesByJournal(
  run: RunDetail,
  curve: RunCurve,
  reader: DiagnosisReader & SearchReader,
): Diagnosis[] {
  if (run.endReason === 'pruned') return [givenUp(run, reader)]
  const firstStep = firstStepOf(curve)
  const plan = planOf(run, run.totalSteps, firstStep, reader)
  const second = secondStageOf(curve, firstStep)
  return plan === null || second.train.length === 0 ? [] : diagnose(second, plan, endOf(run))
}

const isOfFirstStage = ({ stage }: Pick<TrainPoint, 'stage'>): boolean => stage === 1

/** Steps of the first stage: the rows of the second are measured before its first step. */
function firstStepOf({ train, validation }: RunCurve): number {
  const last = train.findLast(isOfFirstStage)?.step ?? 0
  return last === 0 ? 0 : (validation[0]?.step ?? last)
}

/** Counted from its own first step. */
function secondStageOf({ train, validation }: RunCurve, firstStep: number): DiagnosedCurve {
  const moved = <P extends { readonly step: number }>(points: readonly P[]): P[] =>
    points.map((point) => ({ ...point, step: point.step - firstStep }))
  return { train: moved(train.filter((point) => !isOfFirstStage(point))), validation: moved(validation) }
}

function endOf({ status, endReason, failureCode }: RunDetail): DiagnosedEnd {
  if (activeStatuses.includes(status)) return null
  if (failureCode === 'training.diverged') return 'diverged'
  if (status !== 'finished') return 'other'
  return endReason === 'stopped-early' ? 'stopped-early' : 'completed'
}

function planOf(
  run: RunDetail,
  totalSteps: number | null,
  firstStep: number,
  reader: DiagnosisReader,
): DiagnosedPlan | null {
  if (totalSteps === null || totalSteps <= firstStep) return null
  const datasets = reader.datasets()
  const dataset = datasets.ok
    ? datasets.value.find(({ fingerprint }) => fingerprint === run.datasetFingerprint)
    : undefined
  const manifest = datasetManifest.safeParse(dataset?.manifest)
  return {
    totalSteps: totalSteps - firstStep,
    firstStep,
    recipe: run.recipe,
    labels: manifest.success ? (manifest.data.labels?.length ?? null) : null,
    validationRows: Math.min(
      dataset?.counts.validation ?? 0,
      run.recipe.evaluation.mostRows ?? Number.POSITIVE_INFINITY,
    ),
  }
}

export interface DiagnosisFold {
  follow(event: TrainerEvent): void
  list(): Diagnosis[]
}

/** Points that are kept of a run under way; of a longer one every second step is let go. */
const keptPoints = 2000
/** Looks at a run under way, as shares of its plan; each measurement is one more. */
const looksOfRun = 40

/** Follows a run from what the journal already has of it: one that is resumed goes on from its checkpoint. */
export function followDiagnoses(run: RunDetail, reader: DiagnosisReader): DiagnosisFold {
  const before = reader.thinCurve(run.id, keptPoints / 2)
  let known: RunCurve | null = before.ok ? before.value : null
  let train: DiagnosedCurve['train'][number][] = []
  let validation: DiagnosedCurve['validation'] = []
  let plan: DiagnosedPlan | null = null
  let found: Diagnosis[] = []
  let lookedAtStep = 0

  const look = (step: number): void => {
    if (plan === null || train.length === 0) return
    found = diagnose({ train, validation }, plan, null)
    lookedAtStep = step
  }

  function begin(event: TrainerEventOf<'plan'>): void {
    const firstStep = event.before?.steps ?? 0
    plan = planOf(run, event.totalSteps, firstStep, reader)
    const resumedAt = event.resumedAtStep - firstStep
    const curve = known === null ? { train, validation } : secondStageOf(known, firstStep)
    known = null
    train = curve.train.filter(({ step }) => step <= resumedAt)
    validation = curve.validation.filter(({ step }) => step <= resumedAt)
    look(resumedAt)
  }

  function followStep(point: DiagnosedCurve['train'][number]): void {
    train.push(point)
    if (train.length > keptPoints) train = train.filter((_, i) => i % 2 === 1)
    if (plan !== null && point.step >= lookedAtStep + plan.totalSteps / looksOfRun) look(point.step)
  }

  return {
    follow(event) {
      if (event.kind === 'plan') begin(event)
      if (event.kind !== 'step' && event.kind !== 'evaluation') return
      const step = event.step - (plan?.firstStep ?? 0)
      if (event.kind === 'step' && !isOfFirstStage(event)) followStep({ ...event, step })
      if (event.kind === 'evaluation') {
        validation = [...validation.filter((point) => point.step < step), { ...event, step }]
        look(step)
      }
    },
    list: () => found,
  }
}
