// From a planned search to a study in the journal: data and model become what they are byte for byte, the base is made to
// fit the memory that is free, earlier results are written down. Nothing of it changes afterwards.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { DeviceId } from '#shared/devices.ts'
import { unwrap } from '#shared/result.ts'
import { mostOfStudy, type StudySpec, studySpec } from '#shared/study.ts'
import type { Library } from '../system/library.ts'
import { freezeDraft, keepFrozen } from '../training/prepare-run.ts'
import type { PlannedStudy } from './plan-study.ts'
import { findPriors } from './study-priors.ts'
import { type StudyWishes, startupTrialsOf } from './study-wishes.ts'

export interface StartPorts {
  readonly library: Library
  /** Bytes that are taken now and that its trials find free; left out, none. */
  readonly comesBack?: (device: DeviceId) => number
  readonly reader: Pick<JournalReader, 'listRuns' | 'getRun' | 'studies'>
  readonly writer: Pick<
    JournalWriter,
    'ensureProject' | 'addModel' | 'addDataset' | 'createStudy' | 'changeStudy'
  >
}

export interface StartedStudy {
  readonly studyId: string
  readonly projectId: string
  /** What of the base was changed so that it fits into memory. */
  readonly changed: readonly string[]
}

export interface StudyPlace {
  /** Left out, the project of the recipe's name, made where there is none. */
  readonly projectId?: string
  readonly name: string
}

/** Two searches of one name could not be told apart in a list: the later one gets a number. */
export function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted
  for (let number = 2; ; number += 1) {
    const suffix = ` ${number}`
    const name = `${wanted.slice(0, mostOfStudy.nameCharacters - suffix.length)}${suffix}`
    if (!taken.includes(name)) return name
  }
}

/** The study as `waiting`; nothing is begun. Throws ProblemError: those of preparing a run. */
export async function startStudy(
  { view, draft, space, pruning }: PlannedStudy,
  wishes: StudyWishes,
  place: StudyPlace,
  { library, comesBack, reader, writer }: StartPorts,
): Promise<StartedStudy> {
  const frozen = await freezeDraft(draft, { library, ...(comesBack && { comesBack }) })
  const { recipe: base, changed } = frozen
  const projectId = keepFrozen(frozen, {
    writer,
    ...(place.projectId !== undefined && { projectId: place.projectId }),
  })
  const question = {
    projectId,
    modelId: base.model.id,
    data: base.data.fingerprint,
    before: base.before?.fingerprint ?? null,
    base,
    space,
  }
  const spec: StudySpec = studySpec.parse({
    version: 1,
    base,
    space,
    sampler: view.sampler,
    startupTrials: startupTrialsOf(wishes.effort),
    budget: view.budget,
    pruning,
    seed: wishes.seed,
    confirmSeeds: view.confirmSeeds,
    parallel: view.parallel,
    priors: wishes.usesEarlierResults ? findPriors(reader, question) : [],
  })
  const name = freeName(
    place.name,
    unwrap(reader.studies(projectId)).map((one) => one.name),
  )
  const { schedule } = wishes
  const { id } = unwrap(writer.createStudy({ projectId, name, spec, schedule }))
  if (changed.length > 0) unwrap(writer.changeStudy(id, { notes: changed.join('\n') }))
  return { studyId: id, projectId, changed }
}
