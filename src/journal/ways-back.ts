// Backups that lead back to before a restore: for 30 days nothing takes them away, neither a newer backup nor cleaning up.
// Looks only.
import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** So long a backup stays that was made before a restore. */
const wayBackMs = 30 * 24 * 3600 * 1000

/** Of these backups, newest first, the last one made before each restore of late. */
export function waysBack<B extends { readonly atMs: number }>(
  journalPath: string,
  backups: readonly B[],
  nowMs: number,
): ReadonlySet<B> {
  const restores = restoresOf(journalPath).filter((atMs) => nowMs - atMs <= wayBackMs)
  return new Set(restores.flatMap((restoredAtMs) => backups.find(({ atMs }) => atMs <= restoredAtMs) ?? []))
}

/** When backups took the journal's place, UTC milliseconds: the file of before is kept beside it under that time. */
function restoresOf(journalPath: string): number[] {
  return namesIn(dirname(journalPath)).flatMap((name) => {
    const found =
      name.startsWith(basename(journalPath)) &&
      /\.(?:before-restore|damaged)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(name)
    if (!found) return []
    const [, year, month, day, hour, minute, second, ms] = found
    return [Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)]
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
