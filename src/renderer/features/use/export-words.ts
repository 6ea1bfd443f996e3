// How an export stands, and what the screen says of all of them. Pure.
import type { ExportItem } from '#shared/contract/results.ts'

export type ExportState = 'good' | 'bad' | 'changed' | 'gone'

/** Where it is gone or changed, its earlier check says nothing any more. */
export function stateOf({
  isThere,
  changed,
  check,
}: Pick<ExportItem, 'isThere' | 'changed' | 'check'>): ExportState {
  if (!isThere) return 'gone'
  if (changed.length > 0) return 'changed'
  return check.isGood ? 'good' : 'bad'
}

/** The finding of the screen, by the newest export. */
export function headingOf(
  hasAdapter: boolean,
  exports: readonly ExportItem[],
): 'None' | 'Ready' | 'Checked' | 'Unsure' {
  if (!hasAdapter) return 'None'
  const [newest] = exports
  if (newest === undefined) return 'Ready'
  return stateOf(newest) === 'good' ? 'Checked' : 'Unsure'
}
