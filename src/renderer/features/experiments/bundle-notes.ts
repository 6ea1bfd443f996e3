// What a person should know of the chosen runs before they go into a bundle, a sentence each. Pure but for the words.
import { mostExportedRuns } from '#shared/contract/archive.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { t } from '../../words/index.ts'

export function bundleNotes(runs: readonly Pick<ExperimentRow, 'status' | 'trial'>[]): string[] {
  const unfinished = runs.filter(({ status }) => activeStatuses.includes(status)).length
  return [
    ...(runs.some(({ trial }) => trial !== null) ? [t('experiments.bundle.noSearch')] : []),
    ...(unfinished > 0 ? [t('experiments.bundle.unfinished', { count: unfinished })] : []),
  ]
}

/** Why so many do not go into one; empty where they do. */
export const tooManyForBundle = (count: number): string =>
  count > mostExportedRuns ? t('experiments.compare.bundleMost', { count: mostExportedRuns }) : ''
