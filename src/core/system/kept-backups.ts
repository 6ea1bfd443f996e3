// Which backups of the journal stay, and why: the newest, and the way back from a restore of late. Looks only.
import { basename } from 'node:path'
import { backupsFolderOf, keepNewest, listBackups } from '#journal/backup.ts'
import { waysBack } from '#journal/ways-back.ts'
import type { StorageItem } from '#shared/contract/index.ts'

type BackupWords = Pick<StorageItem, 'note' | 'isRemovable'>

const stays = (note: string): BackupWords => ({ isRemovable: false, note })

/** What is said of the backup with this file name. */
export function backupWords(journalPath: string, nowMs: number): (name: string) => BackupWords {
  const all = listBackups(backupsFolderOf(journalPath))
  const ordinary = all.filter(({ isBeforeUpgrade }) => !isBeforeUpgrade)
  const newest = namesOf([...all.slice(0, keepNewest), ...ordinary.slice(0, keepNewest)])
  const leadBack = namesOf([...waysBack(journalPath, all, nowMs)])
  return (name) => {
    if (leadBack.has(name))
      return stays(
        'It was made before the journal went back to a backup, and stays for 30 days as the way back.',
      )
    if (newest.has(name)) return stays(`The newest ${keepNewest} backups stay.`)
    return { isRemovable: true, note: `${keepNewest} newer backups are there.` }
  }
}

const namesOf = (backups: readonly { readonly path: string }[]): ReadonlySet<string> =>
  new Set(backups.map(({ path }) => basename(path)))
