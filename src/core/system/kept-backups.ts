// Which backups of the journal stay, and why: the newest, and the way back from a restore of late. Looks only.
import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { backupsFolderOf, keepNewest, listBackups } from '#journal/backup.ts'
import type { StorageItem } from '#shared/contract/index.ts'

/** So long a backup stays that was made before a restore. */
const wayBackMs = 30 * 24 * 3600 * 1000

type BackupWords = Pick<StorageItem, 'note' | 'isRemovable'>

const stays = (note: string): BackupWords => ({ isRemovable: false, note })

/** What is said of the backup with this file name. */
export async function backupWords(
  journalPath: string,
  nowMs: number,
): Promise<(name: string) => BackupWords> {
  const all = listBackups(backupsFolderOf(journalPath))
  const ordinary = all.filter(({ isBeforeUpgrade }) => !isBeforeUpgrade)
  const newest = namesOf([...all.slice(0, keepNewest), ...ordinary.slice(0, keepNewest)])
  const restores = (await restoresOf(journalPath)).filter((atMs) => nowMs - atMs <= wayBackMs)
  const waysBack = namesOf(
    restores.flatMap((restoredAtMs) => all.find(({ atMs }) => atMs <= restoredAtMs) ?? []),
  )
  return (name) => {
    if (waysBack.has(name))
      return stays(
        'It was made before the journal went back to a backup, and stays for 30 days as the way back.',
      )
    if (newest.has(name)) return stays(`The newest ${keepNewest} backups stay.`)
    return { isRemovable: true, note: `${keepNewest} newer backups are there.` }
  }
}

const namesOf = (backups: readonly { readonly path: string }[]): ReadonlySet<string> =>
  new Set(backups.map(({ path }) => basename(path)))

/** When backups took the journal's place, UTC milliseconds: the file of before is kept beside it under that time. */
async function restoresOf(journalPath: string): Promise<number[]> {
  const names = await readdir(dirname(journalPath)).catch(() => [] as string[])
  return names.flatMap((name) => {
    const found =
      name.startsWith(basename(journalPath)) &&
      /\.(?:before-restore|damaged)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(name)
    if (!found) return []
    const [, year, month, day, hour, minute, second, ms] = found
    return [Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)]
  })
}
