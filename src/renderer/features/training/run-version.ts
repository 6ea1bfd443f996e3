// Whether a run of a list made a version that can be proved and used. Pure.
import type { RunSummary } from '#shared/journal-types.ts'

/** A stopped run keeps the best that it measured, so it has none where it measured nothing. */
export const hasVersion = ({ status, bestStep }: Pick<RunSummary, 'status' | 'bestStep'>): boolean =>
  status === 'finished' || (status === 'cancelled' && bestStep !== null)
