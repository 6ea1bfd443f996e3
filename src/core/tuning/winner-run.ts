// A run that is trained with the settings that a search found: the journal notes which search it is the winner of.
import { isDeepStrictEqual } from 'node:util'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'
import type { JournalStudy } from '#shared/study.ts'
import { bestTrial } from './best-trial.ts'
import { searchedOf } from './study-priors.ts'
import { winnerLink } from './winner-link.ts'

type WinnerReader = Pick<JournalReader, 'getRun' | 'studies' | 'trials'>

/**
 * Links the run to every search of its project whose confirmed winner has its settings, on the same model and rows. Throws ProblemError where the journal cannot be read or written.
 */
export function noteWinnerRun(
  runId: string,
  reader: WinnerReader,
  writer: Pick<JournalWriter, 'addLink'>,
): void {
  const run = unwrap(reader.getRun(runId))
  for (const study of unwrap(reader.studies(run.projectId)))
    if (isOfWinner(run, study, reader)) unwrap(writer.addLink({ runId, kind: 'winner-of', parent: study.id }))
}

function isOfWinner({ recipe }: RunDetail, study: JournalStudy, reader: WinnerReader): boolean {
  const { base, space } = study.spec
  const isOfSameRows =
    recipe.model.weightsSha256 === base.model.weightsSha256 &&
    recipe.data.fingerprint === base.data.fingerprint &&
    recipe.before?.fingerprint === base.before?.fingerprint
  if (!isOfSameRows) return false
  const trials = unwrap(reader.trials(study.id))
  if (winnerLink(study, trials) === null) return false
  // How its trials were measured is no part of what was found.
  const settings = searchedOf({ ...recipe, evaluation: base.evaluation }, base, space)
  return isDeepStrictEqual(bestTrial(trials)?.settings, settings)
}
