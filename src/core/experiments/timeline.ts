// What was tried, the newest first: each run of one's own with what differs from the one before it, each search as one
// entry for all its trials. From the journal alone.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput, TimelineEntry } from '#shared/contract/index.ts'
import type { RunDetail, RunSummary } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'
import type { JournalStudy, LivingStudy } from '#shared/study.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { bestTrial } from '../tuning/best-trial.ts'
import { compareProofs, type MeasuredRun } from './compare-proofs.ts'
import { type ComparedSetting, compareSettings } from './compare-settings.ts'
import { runLabels } from './run-labels.ts'
import { learnedFromStudy } from './study-outcome.ts'
import { type Against, learnedSentences } from './timeline-words.ts'

export type TimelineReader = Pick<
  JournalReader,
  | 'listRuns'
  | 'getRun'
  | 'runNumbers'
  | 'links'
  | 'studies'
  | 'study'
  | 'trials'
  | 'comparisons'
  | 'newestEvaluation'
  | 'datasets'
>
type Timeline = CallOutput<'experiments.timeline'>
export interface TimelinePage {
  readonly projectId: string | undefined
  readonly offset: number
  readonly limit: number
}

/** Of a search of a journal that is read from a copy: how it stood, not at its end; null for any other. */
type StoodOf = (studyId: string) => LivingStudy | null

/** Runs beyond the page that the one before a run is looked for in, before the journal is asked for it by itself. */
const moreRuns = 20

/** Archived runs were tried too. Throws a ProblemError of the journal. */
export function readTimeline(reader: TimelineReader, page: TimelinePage, stoodOf: StoodOf): Timeline {
  const { projectId, offset, limit } = page
  const studies = unwrap(reader.studies(projectId)).toSorted((a, b) => b.createdAtMs - a.createdAtMs)
  // Studies push a run back by their number at most: these hold every run of the page.
  const from = Math.max(0, offset - studies.length)
  const { runs, total } = unwrap(
    reader.listRuns({
      ...(projectId === undefined ? {} : { projectId }),
      archived: 'with',
      offset: from,
      limit: limit + offset - from + moreRuns,
    }),
  )
  const placed = [
    ...runs.map((run, at) => ({ place: from + at + countFrom(studies, run.createdAtMs + 1), item: run })),
    ...studies.map((study, at) => ({ place: from + at + countFrom(runs, study.createdAtMs), item: study })),
  ]
  const write = createEntryWriter(reader, runs, stoodOf)
  return {
    entries: placed
      .filter(({ place }) => place >= offset && place < offset + limit)
      .toSorted((a, b) => a.place - b.place)
      .map(({ item }) => ('spec' in item ? write.ofStudy(item) : write.ofRun(item))),
    total: total + studies.length,
  }
}

/** How many of them the list has above something made at this moment; of two that were made at once a run stands first. */
const countFrom = (others: readonly { readonly createdAtMs: number }[], fromMs: number): number =>
  others.filter(({ createdAtMs }) => createdAtMs >= fromMs).length

/** What a run is set against. */
interface Beside {
  readonly run: RunDetail
  readonly name: string
  readonly isRepeat: boolean
}

function createEntryWriter(reader: TimelineReader, known: readonly RunSummary[], stoodOf: StoodOf) {
  const sources = new Map(
    unwrap(reader.datasets()).map(({ fingerprint, sourceName }) => [fingerprint, sourceName]),
  )
  const details = new Map<string, RunDetail>()
  const measured = new Map<string, MeasuredRun | null>()
  const once = <T>(kept: Map<string, T>, key: string, read: () => T): T => {
    if (!kept.has(key)) kept.set(key, read())
    return kept.get(key) as T
  }
  const detailOf = (runId: string): RunDetail => once(details, runId, () => unwrap(reader.getRun(runId)))
  const labels = new Map<string, string>()
  const labelOf = (run: RunDetail): string => once(labels, run.id, () => runLabels(reader, [run.id])(run))
  const measuredOf = (run: RunDetail): MeasuredRun | null =>
    once(measured, run.id, () => readMeasured(reader, run))

  /** The run that one says it came from, or the trial whose settings it takes over, where it is still there; else the one before it in its project. */
  function besideOf(run: RunSummary): Beside | null {
    const links = unwrap(reader.links(run.id)).filter(({ runId }) => runId === run.id)
    const link = links.find(({ kind }) => kind === 'retried-from' || kind === 'repeats')
    const parent = link && reader.getRun(link.parent)
    if (parent?.ok)
      return { run: parent.value, name: labelOf(parent.value), isRepeat: link?.kind === 'repeats' }
    const taken = links.flatMap(({ kind, parent: of }) => (kind === 'winner-of' ? [of] : [])).at(0)
    const trial = taken === undefined ? null : trialTakenOver(reader, taken)
    if (trial !== null && trial.run.id !== run.id) return trial
    const before = runBefore(reader, known, run)
    if (before === null) return null
    const detail = detailOf(before.id)
    return { run: detail, name: labelOf(detail), isRepeat: false }
  }

  function againstOf(run: RunDetail, beside: Beside | null): Against | null {
    if (beside === null) return null
    const [before, now] = [measuredOf(beside.run), measuredOf(run)]
    return {
      name: beside.name,
      isRepeat: beside.isRepeat,
      adapterSha256: beside.run.adapterSha256,
      isProved: before !== null,
      difference: before && now && compareProofs(before, now),
    }
  }

  return {
    ofRun(summary: RunSummary): TimelineEntry {
      const run = detailOf(summary.id)
      const beside = besideOf(summary)
      return {
        ...headOf(run),
        title: labelOf(run),
        kind: 'run',
        beside: beside && { runId: beside.run.id, name: beside.name },
        changes: beside === null ? [] : changesOf(beside.run, run, sources),
        isOtherData: beside !== null && beside.run.datasetFingerprint !== run.datasetFingerprint,
        isOtherModel: beside !== null && beside.run.modelId !== run.modelId,
        searched: [],
        learned: learnedSentences({
          run,
          proof: measuredOf(run)?.summary ?? null,
          against: againstOf(run, beside),
        }),
      }
    },
    ofStudy(study: JournalStudy): TimelineEntry {
      const nothing = { beside: null, changes: [], isOtherData: false, isOtherModel: false }
      return {
        ...headOf(study),
        ...nothing,
        kind: 'study',
        searched: study.spec.space.map(({ path }) => path),
        learned: learnedFromStudy({ ...study, stood: stoodOf(study.id) }, unwrap(reader.trials(study.id))),
      }
    },
  }
}

type Titled = Pick<RunDetail, 'id' | 'name' | 'projectId' | 'projectName' | 'createdAtMs' | 'notes'>
const headOf = ({ id, name, projectId, projectName, createdAtMs, notes }: Titled) => ({
  id,
  title: name,
  projectId,
  projectName,
  atMs: createdAtMs,
  words: notes,
})

/** The best trial of a search that is still there, as a person calls it. */
function trialTakenOver(reader: TimelineReader, studyId: string): Beside | null {
  const study = reader.study(studyId)
  const best = study.ok ? bestTrial(unwrap(reader.trials(studyId))) : null
  if (!study.ok || best === null || best.runId === null) return null
  const run = reader.getRun(best.runId)
  const name = `trial ${best.number + 1} of “${study.value.name}”`
  return run.ok ? { run: run.value, name, isRepeat: false } : null
}

function runBefore(
  reader: TimelineReader,
  known: readonly RunSummary[],
  { projectId, createdAtMs }: RunSummary,
): RunSummary | null {
  const isBefore = (other: RunSummary): boolean =>
    other.projectId === projectId && other.createdAtMs < createdAtMs
  const found = known.find(isBefore)
  if (found !== undefined) return found
  const query = { projectId, archived: 'with', createdBeforeMs: createdAtMs, limit: 1 } as const
  return unwrap(reader.listRuns(query)).runs[0] ?? null
}

const changesOf = (
  before: RunDetail,
  now: RunDetail,
  sources: ReadonlyMap<string, string>,
): ComparedSetting[] =>
  compareSettings(
    [before.recipe, now.recipe],
    (fingerprint) => sources.get(fingerprint) ?? fingerprint,
  ).filter(({ isDifferent }) => isDifferent)

function readMeasured(reader: TimelineReader, run: RunDetail): MeasuredRun | null {
  const summary = readableProof(unwrap(reader.comparisons(run.id)))
  if (summary === null) return null
  const tuned = unwrap(reader.newestEvaluation(run.id, 'tuned'))
  return { datasetFingerprint: run.datasetFingerprint, summary, answers: tuned?.answers ?? [] }
}
