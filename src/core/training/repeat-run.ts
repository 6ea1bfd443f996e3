// Repeats a run: the same recipe with the same seed, rows and device once more, as a run of its own that says what it
// repeats; and what that showed. Or tries it again with other settings. Refuses where model, rows or device are not there as they were.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { RepeatCheck } from '#shared/contract/index.ts'
import { activeStatuses, type RunDetail } from '#shared/journal-types.ts'
import { describeIssue, type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { resolveDevice } from '../devices/known-devices.ts'
import { showModel } from '../models/model-library.ts'
import type { Library } from '../system/library.ts'
import { newRunOf } from './prepare-run.ts'
import { checkRepeat } from './repeat-check.ts'
import { setAt, stepsOf } from './setting-paths.ts'
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

/**
 * Inserts a run with the settings of another one but for `changes`, as `queued` with its link; nothing is started. Problems:
 * recipe.invalid with the setting's path, and those of a repeat.
 */
export function prepareRetry(
  runId: string,
  changes: Readonly<Record<string, unknown>>,
  ports: RepeatPorts,
): Promise<Result<{ runId: string }>> {
  return attemptAsync(async () => {
    const { library, reader, writer } = ports
    const run = unwrap(reader.getRun(runId))
    await requireModel(library, run)
    await requireRows(library, run)
    const recipe = changedRecipe(run.recipe, changes)
    const device = unwrap(await resolveDevice(library, recipe.device, run.modelId))
    const given = { projectId: run.projectId, name: run.name }
    const { id } = unwrap(writer.createRun(newRunOf({ recipe, device }, given)))
    unwrap(writer.addLink({ runId: id, kind: 'retried-from', parent: runId }))
    return { runId: id }
  })
}

/** What names bytes stays: another model or other rows make another run, not one that is tried again. */
const fixedParts: ReadonlySet<string> = new Set(['version', 'scenario', 'model', 'data', 'before'])

function changedRecipe(recipe: Recipe, changes: Readonly<Record<string, unknown>>): Recipe {
  const wanted: Record<string, unknown> = { ...recipe }
  const refuse = (where: string, message: string): never => {
    throw new ProblemError({
      code: 'recipe.invalid',
      message: `At ${where}: ${message}.`,
      where,
      remedy: 'Change this setting, or leave it out to keep what the run had.',
    })
  }
  for (const [path, value] of Object.entries(changes)) {
    const steps = stepsOf(path)
    if (steps === null || fixedParts.has(steps[0] ?? '')) return refuse(path, 'this cannot be changed')
    setAt(wanted, steps, value)
  }
  const parsed = recipeSchema.safeParse(wanted, { reportInput: true })
  if (parsed.success) return parsed.data
  const { where, message } = describeIssue(parsed.error)
  return refuse(where, message)
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
