// Whether an export is what the run learnt: its files read again from the disk, and its version beside the run's own on rows
// that neither was trained on. Both must say the same: to the last digit, or to rounding where an adapter was worked in.
import { join } from 'node:path'
import type { ExportForm } from '#shared/export-forms.ts'
import type { TunedVersion } from '#shared/proof-protocol.ts'
import { attemptAsync, type Result } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { type ClassScoreSpec, scoreClasses } from '../proof/class-scores.ts'
import { type MeasurePorts, type ScoreSpec, scoreRows } from '../proof/index.ts'
import { sha256File } from '../system/durable-files.ts'
import type { ExportedFile } from './export-folder.ts'

export interface ExportCheck {
  readonly isGood: boolean
  /** What was done, and what came of it. */
  readonly sentence: string
}

export interface ExportToCheck {
  readonly folder: string
  readonly files: readonly ExportedFile[]
  readonly form: ExportForm
  /** As the run wrote it. */
  readonly tuned: TunedVersion
  readonly modelName: string
  /** Examples of the validation part, at most a few; empty where the data set is no longer here. */
  readonly examples: readonly PromptedExample[]
  readonly measure: Omit<ScoreSpec, 'tuned'>
  /** Of a run whose new last layer names labels; null where the model writes. */
  readonly head: Pick<ClassScoreSpec, 'method' | 'scenario' | 'classNames'> | null
}

/** Problems: those of measuring. A file that is not what was written is a check that failed, no Problem. */
export function checkExport(spec: ExportToCheck, ports: MeasurePorts): Promise<Result<ExportCheck>> {
  return attemptAsync(async () => {
    for (const { name, sha256 } of spec.files)
      if ((await sha256File(join(spec.folder, name)).catch(() => null)) !== sha256)
        return { isGood: false, sentence: `${name} is not what was written. Export it again.` }
    const readAgain = `All ${spec.files.length} files were read again and are what was written.`
    const untried = (why: string): ExportCheck => ({ isGood: true, sentence: `${readAgain} ${why}` })
    if (spec.form === 'gguf-f16' || spec.form === 'gguf-q8')
      return untried('Its numbers are rounded, so it was not tried on rows.')
    if (spec.examples.length === 0)
      return untried('The data set is no longer here, so it was not tried on rows.')
    const own = await lossesOf(spec, spec.tuned, ports)
    if (own.length === 0)
      return untried('Every row that was looked at is too long, so it was not tried on rows.')
    const exported = await lossesOf(spec, exportedVersion(spec), ports)
    const largest = own.reduce((most, loss, row) => Math.max(most, Math.abs(loss - exported[row]!)), 0)
    const tried = `${isWorkedIn(spec) ? 'Loaded' : `Loaded beside ${spec.modelName}`} and tried on ${own.length === 1 ? 'a row' : `${own.length} rows`} that it was not trained on`
    if (largest === 0)
      return {
        isGood: true,
        sentence: `${readAgain} ${tried}: the same as the run's own version, to the last digit.`,
      }
    const difference = `up to ${largest.toPrecision(2)} nats`
    return isWorkedIn(spec) && largest < roundingNats
      ? {
          isGood: true,
          sentence: `${readAgain} ${tried}: the same as the run's own version but for rounding, ${difference}.`,
        }
      : { isGood: false, sentence: `${tried}, it differs from the run's own version by ${difference}.` }
  })
}

/** Loss of a row that rounding of weights and sums to float32 may change. */
const roundingNats = 0.01

/** An adapter that became part of its model: other numbers are summed, so the last digits differ. */
const isWorkedIn = ({ form, tuned }: ExportToCheck): boolean => form === 'model' && tuned.kind === 'adapter'

const exportedVersion = ({ form, tuned, folder }: ExportToCheck): TunedVersion =>
  form === 'model' ? { ...tuned, kind: 'model', folder } : { ...tuned, folder }

/** The loss of each example's answer by this version, in nats; those that are too long are left out for every version. */
async function lossesOf(
  { measure, examples, head }: ExportToCheck,
  tuned: TunedVersion,
  ports: MeasurePorts,
): Promise<number[]> {
  if (head !== null) {
    const { model, ...limits } = measure
    const rows = examples.map(({ rowId, prompt, answer }) => ({
      ...{ rowId, answer },
      text: prompt.at(-1)?.content ?? '',
    }))
    const job = { ...head, ...limits, modelFolder: model.folder, tuned, rows, nearest: null }
    const { scores } = await scoreClasses(job, ports)
    return examples.flatMap(({ rowId }) => scores.get(rowId)?.tuned.lossNats ?? [])
  }
  const questions = examples.map(({ rowId, prompt, answer }) => ({ id: rowId, prompt, answer }))
  const { scores } = await scoreRows({ ...measure, tuned }, ports, questions, null)
  return examples.flatMap(({ rowId }) => scores.get(rowId)?.tuned?.lossNats ?? [])
}
