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
import type { Library } from '../system/library.ts'
import { newRunOf } from './prepare-run.ts'
import { type CheckedRun, type Compared, checkRepeat, compareCurves } from './repeat-check.ts'
import { programsOf } from './repeatability.ts'
import { requireModelOf } from './required-model.ts'
import { setAt, stepsOf } from './setting-paths.ts'
import { stillUnderWay, withoutPart } from './training-problems.ts'

interface RepeatPorts {
  readonly library: Library
  readonly reader: Pick<JournalReader, 'getRun'>
  readonly writer: Pick<JournalWriter, 'createRun' | 'addLink'>
}

/** Names are at most so long in the journal. */
const mostNameCharacters = 500
const suffix = ' (repeat)'
/** Why a run takes a device that nobody chose for it. */
const sameDevice = 'the run that it repeats began there, and the last bits depend on the device'
const settingsOfFirst = 'as the run that it is tried again from'

/** Inserts the run as `queued` with its link; nothing is started. Problems: run.active, model.*, data.*, device.missing. */
export function prepareRepeat(runId: string, ports: RepeatPorts): Promise<Result<{ runId: string }>> {
  return attemptAsync(async () => {
    const { reader, writer } = ports
    const run = unwrap(reader.getRun(runId))
    if (activeStatuses.includes(run.status)) throw new ProblemError(stillUnderWay(runId))
    const { library } = ports
    unwrap(await requireModelOf(library, run, 'repeated'))
    await requireRows(library, run)
    const device = unwrap(await resolveDevice(library, run.recipe.device, run.modelId, sameDevice))
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
    unwrap(await requireModelOf(library, run, 'repeated'))
    await requireRows(library, run)
    const recipe = changedRecipe(run.recipe, changes)
    const why = 'device' in changes ? undefined : settingsOfFirst
    const device = unwrap(await resolveDevice(library, recipe.device, run.modelId, why))
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

/** Every byte that the run read, against its hash. */
async function requireRows(library: Library, { recipe }: RunDetail): Promise<void> {
  for (const fingerprint of [recipe.data.fingerprint, recipe.before?.fingerprint]) {
    if (fingerprint === undefined) continue
    for (const part of ['train', 'validation'] as const) {
      const rows = await readSplit(datasetFolder(library, fingerprint), part)
      if (!rows.ok)
        throw new ProblemError(withoutPart('repeated', 'the data set that it learnt from', rows.problem))
    }
  }
}

type RepeatReader = Pick<JournalReader, 'getRun' | 'links' | 'curve' | 'eventsOfKind'>

/** What a repeat showed; null of a run that repeats nothing, or where the run that it repeats is gone. */
export function repeatOf(reader: RepeatReader, run: RunDetail): RepeatCheck | null {
  const link = unwrap(reader.links(run.id)).find((one) => one.kind === 'repeats' && one.runId === run.id)
  const original = link && reader.getRun(link.parent)
  if (original === undefined || !original.ok) return null
  if (activeStatuses.includes(run.status)) return checkRepeat(plain(original.value), plain(run), null)
  const { before, after, found } = evidenceOf(reader, original.value, run)
  return checkRepeat({ run: original.value, programs: before }, { run, programs: after }, found)
}

const plain = (run: RunDetail): CheckedRun => ({ run, programs: [] })

interface Evidence {
  readonly found: Compared
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** Whole curves are read once for a state of both runs: events are only ever added. */
const known = new WeakMap<RepeatReader, Map<string, Evidence>>()
const mostKnown = 100

function evidenceOf(reader: RepeatReader, original: RunDetail, repeat: RunDetail): Evidence {
  const ofReader = known.get(reader) ?? new Map<string, Evidence>()
  known.set(reader, ofReader)
  const key = JSON.stringify([original.id, original.headSeq, repeat.id, repeat.headSeq])
  const evidence = ofReader.get(key) ?? {
    found: compareCurves(unwrap(reader.curve(original.id)), unwrap(reader.curve(repeat.id))),
    before: programsOf(reader, original),
    after: programsOf(reader, repeat),
  }
  ofReader.set(key, evidence)
  if (ofReader.size > mostKnown) ofReader.delete([...ofReader.keys()][0] ?? '')
  return evidence
}
