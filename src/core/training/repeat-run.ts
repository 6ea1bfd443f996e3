// Repeats a run: the same recipe with the same seed, rows and device once more, as a run of its own that says what it
// repeats; and what that showed. Refuses where model, rows or device are not there as they were.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { RepeatCheck } from '#shared/contract/index.ts'
import { activeStatuses, type RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import { showModel } from '../models/model-library.ts'
import type { Library } from '../system/library.ts'
import { newRunOf } from './prepare-run.ts'
import { checkRepeat } from './repeat-check.ts'
import { notRepeatable, stillUnderWay } from './training-problems.ts'

interface RepeatPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'getRun'>
  readonly writer: Pick<JournalWriter, 'createRun' | 'addLink'>
}

/** Names are at most so long in the journal. */
const mostNameCharacters = 500
const suffix = ' (repeat)'

/** Inserts the run as `queued` with its link; nothing is started. Problems: run.active, model.*, data.*, device.missing. */
export function prepareRepeat(runId: string, ports: RepeatPorts): Promise<Result<{ runId: string }>> {
  return attemptAsync(async () => {
    const { reader, writer } = ports
    const run = unwrap(reader.getRun(runId))
    if (activeStatuses.includes(run.status)) throw new ProblemError(stillUnderWay(runId))
    const { library } = ports
    await requireModel(library, run)
    await requireRows(library, run)
    const device = unwrap(await resolveDevice(library, run.recipe.device, run.modelId))
    const given = { projectId: run.projectId, name: repeatName(run.name) }
    const { id } = unwrap(writer.createRun(newRunOf({ recipe: run.recipe, device }, given)))
    unwrap(writer.addLink({ runId: id, kind: 'repeats', parent: runId }))
    return { runId: id }
  })
}

/** A repeat of a repeat is named like the first one. */
function repeatName(name: string): string {
  const plain = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
  return `${plain.slice(0, mostNameCharacters - suffix.length)}${suffix}`
}

async function requireModel(library: Library, { recipe, modelName }: RunDetail): Promise<void> {
  const { id, weightsSha256 } = recipe.model
  const model = await showModel(library, id)
  if (!model.ok) throw new ProblemError(notRepeatable(`its model, ${modelName},`, model.problem))
  if (model.value.weightsSha256 === weightsSha256) return
  throw new ProblemError({
    code: 'model.damaged',
    message: 'The model on this computer is not the one that this run began from.',
    where: modelName,
    remedy: 'Add the model in the version that the run was made with; then repeat it.',
    details: `SHA-256 is ${model.value.weightsSha256}, not ${weightsSha256}`,
  })
}

/** Every byte that the run read, against its hash. */
async function requireRows(library: Library, { recipe }: RunDetail): Promise<void> {
  for (const fingerprint of [recipe.data.fingerprint, recipe.before?.fingerprint]) {
    if (fingerprint === undefined) continue
    for (const part of ['train', 'validation'] as const) {
      const rows = await readSplit(datasetFolder(library, fingerprint), part)
      if (!rows.ok) throw new ProblemError(notRepeatable('the data set that it learnt from', rows.problem))
    }
  }
}

const noCurve = { train: [], validation: [] }

/** What a repeat showed; null of a run that repeats nothing, or where the run that it repeats is gone. */
export function repeatOf(
  reader: Pick<JournalReader, 'getRun' | 'links' | 'curve'>,
  run: RunDetail,
): RepeatCheck | null {
  const link = unwrap(reader.links(run.id)).find((one) => one.kind === 'repeats' && one.runId === run.id)
  const original = link && reader.getRun(link.parent)
  if (original === undefined || !original.ok) return null
  const isOver = !activeStatuses.includes(run.status)
  const withCurve = (one: RunDetail) => ({ run: one, curve: isOver ? unwrap(reader.curve(one.id)) : noCurve })
  return checkRepeat(withCurve(original.value), withCurve(run))
}
