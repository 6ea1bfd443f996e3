// The findings about a run of the journal, and about one that a trainer works on.
import type { JournalReader } from '#journal/reader.ts'
import type { Diagnosis } from '#shared/contract/index.ts'
import { datasetManifest } from '#shared/dataset.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import type { DiagnosedCurve } from './curve-view.ts'
import { type DiagnosedEnd, diagnose } from './diagnosis.ts'
import type { DiagnosedPlan } from './finding.ts'

export type DiagnosisReader = Pick<JournalReader, 'datasets' | 'thinCurve'>

/** Of a run at rest. */
export function diagnosesAtRest(run: RunDetail, curve: RunCurve, reader: DiagnosisReader): Diagnosis[] {
  const plan = planOf(run, run.totalSteps, reader)
  return plan === null || curve.train.length === 0 ? [] : diagnose(curve, plan, endOf(run))
}

function endOf({ status, endReason, failureCode }: RunDetail): DiagnosedEnd {
  if (failureCode === 'training.diverged') return 'diverged'
  if (status !== 'finished') return 'other'
  return endReason === 'stopped-early' ? 'stopped-early' : 'completed'
}

function planOf(run: RunDetail, totalSteps: number | null, reader: DiagnosisReader): DiagnosedPlan | null {
  if (totalSteps === null || totalSteps === 0) return null
  const datasets = reader.datasets()
  const dataset = datasets.ok
    ? datasets.value.find(({ fingerprint }) => fingerprint === run.datasetFingerprint)
    : undefined
  const manifest = datasetManifest.safeParse(dataset?.manifest)
  return {
    totalSteps,
    recipe: run.recipe,
    labels: manifest.success ? (manifest.data.labels?.length ?? null) : null,
    validationRows: dataset?.counts.validation ?? 0,
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
  const curve = before.ok ? before.value : { train: [], validation: [] }
  let train: DiagnosedCurve['train'][number][] = [...curve.train]
  let validation: DiagnosedCurve['validation'] = curve.validation
  let plan: DiagnosedPlan | null = null
  let found: Diagnosis[] = []
  let lookedAtStep = 0

  const look = (step: number): void => {
    if (plan === null || train.length === 0) return
    found = diagnose({ train, validation }, plan, null)
    lookedAtStep = step
  }

  return {
    follow(event) {
      if (event.kind === 'plan') {
        plan = planOf(run, event.totalSteps, reader)
        train = train.filter(({ step }) => step <= event.resumedAtStep)
        validation = validation.filter(({ step }) => step <= event.resumedAtStep)
        look(event.resumedAtStep)
      }
      if (event.kind === 'step') {
        train.push(event)
        if (train.length > keptPoints) train = train.filter((_, i) => i % 2 === 1)
        if (plan !== null && event.step >= lookedAtStep + plan.totalSteps / looksOfRun) look(event.step)
      }
      if (event.kind === 'evaluation') {
        validation = [...validation.filter(({ step }) => step < event.step), event]
        look(event.step)
      }
    },
    list: () => found,
  }
}
