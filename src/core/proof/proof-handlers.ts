// The proof for the screens: whether there is one, started where there is none, and its answers. A proof of years ago is
// read from the journal alone; prompts only where the data set is still here.
import type { ProofView, SomeHandlers } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attempt, attemptAsync, unwrap } from '#shared/result.ts'
import { hasTunedVersion } from '../training/tuned-version.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { earlierProofs } from './earlier-proofs.ts'
import { newestProof } from './proof-journal.ts'
import { proofPhaseWords, proveJournaledRun } from './prove-journaled-run.ts'
import { chooseAnswers, createAnswersReader, withClosest } from './shown-answers.ts'

type ProofCallNames = 'proof.get' | 'proof.start' | 'proof.answers'

export function createProofHandlers(context: WorkstationContext): SomeHandlers<ProofCallNames> {
  const { library, launcher, reader, writer, journals, jobs, emit } = context
  const answersOf = createAnswersReader(library)

  function view(runId: string, journal: string | undefined): ProofView {
    const from = journals.readerOf(journal)
    const run = unwrap(from.getRun(runId))
    const comparisons = unwrap(from.comparisons(runId))
    const newest = comparisons.at(-1)
    const openings = unwrap(from.openings(run.datasetFingerprint))
    const dataset = unwrap(from.datasets()).find(({ fingerprint }) => fingerprint === run.datasetFingerprint)
    return {
      runId,
      runName: run.name,
      projectId: run.projectId,
      projectName: run.projectName,
      goal: unwrap(from.projects()).find(({ id }) => id === run.projectId)?.goal ?? '',
      scenario: run.scenario,
      modelId: run.modelId,
      summary: newestProof(comparisons),
      provedAtMs: newest?.createdAtMs ?? null,
      earlierProofs: earlierProofs(from, run.datasetFingerprint, newest?.createdAtMs),
      openingsOfData: openings.length,
      cannotProve: journal === undefined ? cannotProve(run) : 'This run was not measured on locked rows.',
      testRows: dataset?.counts.test ?? 0,
    }
  }

  return {
    'proof.get': ({ runId, journal }) => attempt(() => view(runId, journal)),
    'proof.start': ({ runId }) =>
      attemptAsync(async () => {
        const run = unwrap(reader.getRun(runId))
        return jobs.start(
          { kind: 'proof', title: run.name, projectId: run.projectId, runId, key: `proof ${runId}` },
          async ({ signal, tell }) => {
            const proved = await proveJournaledRun(runId, {
              library,
              launcher,
              reader,
              writer,
              signal,
              onProgress: ({ phase, done, total }) => tell(proofPhaseWords[phase], done, total),
            })
            if (proved.ok) {
              writer.backup()
              emit('experiments.changed', { runId })
            }
            return proved
          },
        )
      }),
    'proof.answers': ({ runId, journal, view: wanted, text, offset, limit }) =>
      attemptAsync(async () => {
        const shown = await answersOf(journals.readerOf(journal), runId)
        const found = chooseAnswers(shown, wanted, text)
        return {
          answers: withClosest(found.slice(offset, offset + limit), shown.closestTo),
          total: found.length,
        }
      }),
  }
}

function cannotProve(run: RunDetail): string | null {
  if (hasTunedVersion(run)) return null
  const { status } = run
  return status === 'running' || status === 'paused'
    ? 'The run is still under way.'
    : 'This run has no finished version that could be measured.'
}
