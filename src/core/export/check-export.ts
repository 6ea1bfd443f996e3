// Whether an export is what the run learnt: its files read again from the disk, and its adapter beside the run's own on
// rows that neither was trained on. Both must say the same, to the last digit.
import { join } from 'node:path'
import type { TunedVersion } from '#shared/proof-protocol.ts'
import { attemptAsync, type Result } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { type MeasurePorts, type ScoreSpec, scoreRows } from '../proof/index.ts'
import { sha256File } from '../system/durable-files.ts'
import type { ExportedFile } from './export-peft.ts'

export interface ExportCheck {
  readonly isGood: boolean
  /** What was done, and what came of it. */
  readonly sentence: string
}

export interface ExportToCheck {
  readonly folder: string
  readonly files: readonly ExportedFile[]
  /** As the run wrote it. */
  readonly tuned: TunedVersion
  readonly modelName: string
  /** Examples of the validation part, at most a few; empty where the data set is no longer here. */
  readonly examples: readonly PromptedExample[]
  readonly measure: Omit<ScoreSpec, 'tuned'>
}

/** Problems: those of measuring. A file that is not what was written is a check that failed, no Problem. */
export function checkExport(spec: ExportToCheck, ports: MeasurePorts): Promise<Result<ExportCheck>> {
  return attemptAsync(async () => {
    for (const { name, sha256 } of spec.files)
      if ((await sha256File(join(spec.folder, name)).catch(() => null)) !== sha256)
        return { isGood: false, sentence: `${name} is not what was written. Export it again.` }
    const readAgain = `All ${spec.files.length} files were read again and are what was written.`
    if (spec.examples.length === 0)
      return {
        isGood: true,
        sentence: `${readAgain} The data set is no longer here, so the adapter was not tried on rows.`,
      }
    const own = await lossesOf(spec, spec.tuned, ports)
    if (own.length === 0)
      return {
        isGood: true,
        sentence: `${readAgain} Every row that was looked at is too long, so the adapter was not tried on rows.`,
      }
    const exported = await lossesOf(spec, { ...spec.tuned, folder: spec.folder }, ports)
    const largest = own.reduce((most, loss, row) => Math.max(most, Math.abs(loss - exported[row]!)), 0)
    const tried = `Loaded beside ${spec.modelName} and tried on ${own.length === 1 ? 'a row' : `${own.length} rows`} that it was not trained on`
    return largest === 0
      ? {
          isGood: true,
          sentence: `${readAgain} ${tried}: the same as the run's own version, to the last digit.`,
        }
      : {
          isGood: false,
          sentence: `${tried}, it differs from the run's own version by up to ${largest.toPrecision(2)} nats.`,
        }
  })
}

/** The loss of each example's answer by this version, in nats; those that are too long are left out for every version. */
async function lossesOf(
  { measure, examples }: ExportToCheck,
  tuned: TunedVersion,
  ports: MeasurePorts,
): Promise<number[]> {
  const questions = examples.map(({ rowId, prompt, answer }) => ({ id: rowId, prompt, answer }))
  const { scores } = await scoreRows({ ...measure, tuned }, ports, questions, null)
  return examples.flatMap(({ rowId }) => scores.get(rowId)?.tuned?.lossNats ?? [])
}
