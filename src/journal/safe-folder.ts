// Folders in which a journal would be lost: network drives, where SQLite's log does not work, and folders that a
// cloud service synchronises, which copies and replaces the journal's three files one by one.
import { existsSync, realpathSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ProblemError } from '#shared/result.ts'

/** f_type of Linux network file systems: NFS, SMB, CIFS, SMB2, Coda, AFS, Ceph (linux/magic.h). */
const networkTypes = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x73757245, 0x5346414f, 0x00c36400])

const cloudFolders: readonly (readonly [RegExp, string])[] = [
  [/[\\/]OneDrive( - [^\\/]+)?([\\/]|$)/i, 'OneDrive'],
  [/[\\/]Dropbox( \([^\\/]+\))?([\\/]|$)/i, 'Dropbox'],
  [/[\\/](Google ?Drive|My Drive)([\\/]|$)/i, 'Google Drive'],
  [/[\\/](iCloud ?Drive|Mobile Documents)([\\/]|$)/i, 'iCloud Drive'],
  [/[\\/]Library[\\/]CloudStorage([\\/]|$)/i, 'a cloud service'],
  [/[\\/](Nextcloud|ownCloud)([\\/]|$)/i, 'Nextcloud'],
]

/** Why a journal must not live in this folder; undefined where it may. Looks at the path only. */
export function cloudServiceOf(folder: string): string | undefined {
  return cloudFolders.find(([pattern]) => pattern.test(folder))?.[1]
}

/** A path on another computer as Windows writes it: \\server\share, but not \\?\C:\... or \\.\. */
export const isServerPath = (folder: string): boolean =>
  /^[\\/]{2}(?![.?][\\/])/.test(folder) || /^\\\\\?\\UNC\\/i.test(folder)

/** Throws journal.unsafe-folder for a network drive or a synchronised folder, whether it exists yet or is a link to one. */
export function assertSafeFolder(folder: string): void {
  const existing = realpathSync(nearestExisting(resolve(folder)))
  const service = cloudServiceOf(folder) ?? cloudServiceOf(existing)
  if (service) throw unsafe(folder, `This folder is synchronised by ${service}.`)
  const isRemote =
    (process.platform === 'win32' && (isServerPath(folder) || isServerPath(existing))) ||
    (process.platform === 'linux' && networkTypes.has(statfsSync(existing).type >>> 0))
  if (isRemote) throw unsafe(folder, 'This folder is on another computer.')
}

/** The folder itself, or the nearest one above it that is there already. */
function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder))
}

const unsafe = (folder: string, message: string): ProblemError =>
  new ProblemError({
    code: 'journal.unsafe-folder',
    message: `${message} A journal there would lose entries, so it is not opened.`,
    where: folder,
    remedy: 'Choose a folder on a disk of this computer that no service synchronises.',
  })
