// A journal that is only looked into: from a stick, from another computer, from a backup. Not one byte is written beside it.
// SQLite cannot read a journal in WAL mode without making files next to it, and an older schema cannot be read without
// being brought up to date: so a private copy is read, and thrown away when it is closed.
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { activeStatuses } from '#shared/journal-types.ts'
import { fail, ProblemError, type Result } from '#shared/result.ts'
import type { LivingStudy } from '#shared/study.ts'
import { applicationId, openForWriting } from './connection.ts'
import { assertUnchanged } from './contents-digest.ts'
import { countDroppedCommits } from './log-check.ts'
import { migrate, readVersion, stepsTable } from './migrate.ts'
import { attemptOn, corruptProblem, refuse } from './problems.ts'
import { type JournalReader, openJournalReader } from './reader.ts'
import { assertSchema } from './schema-check.ts'
import { assertSound } from './sound-file.ts'
import { type Telling, type ToldAs, toldOfCopy } from './told-of-copy.ts'
import { correctTrials } from './trial-truth.ts'

export interface ForeignJournal {
  /** Its `close` also removes the copy. */
  readonly reader: JournalReader
  /** Schema version of the file itself. */
  readonly schema: number
  /** Searches that were not at their end, by id; with `isAtRest` they are `stopped` in the copy. */
  readonly stood: ReadonlyMap<string, LivingStudy>
  /** What is wrong with the copy, as it is told of the file itself; the reader tells it so already. */
  readonly toldAs: ToldAs
}

export interface ForeignOptions extends Telling {
  /** In the copy nothing is under way, for nobody works on it here, and no trial says what its run did not measure. */
  readonly isAtRest?: boolean
  /** Where the copy is made, which takes as much space as the journal; the system's temporary folder where left out. */
  readonly folder?: string
}

/**
 * Opens a journal of this or an older schema for reading, changing nothing of it. A log beside it counts. Refused: what is
 * no journal, one of a newer Tunewright, a damaged one, one that another program keeps writing to while it is copied.
 */
export function openForeignJournal(path: string, options: ForeignOptions = {}): Result<ForeignJournal> {
  const parent = options.folder ?? tmpdir()
  const opened = attemptOn(path, () => {
    assertJournal(path)
    sweepLeftovers(parent)
    const folder = makeFolder(parent)
    const away = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    try {
      const copy = join(folder, 'journal.db')
      copyWhole(path, copy, folder)
      const facts = bringUpToDate(copy, path, options.isAtRest === true)
      const toldAs = toldOfCopy([copy, path], options)
      return { reader: readerOfCopy(copy, toldAs, away), ...facts, toldAs }
    } catch (error) {
      away()
      throw error
    }
  })
  return opened.ok ? opened : fail(toldOfCopy([path], options)(opened.problem))
}

function readerOfCopy(copy: string, toldAs: ToldAs, away: () => void): JournalReader {
  const opened = openJournalReader(copy, { toldAs })
  if (!opened.ok) throw new ProblemError(opened.problem)
  const reader = opened.value
  return {
    ...reader,
    close() {
      reader.close()
      away()
    },
  }
}

/** "SQLite format 3" and a zero. */
const magic = Buffer.from('53514c69746520666f726d6174203300', 'hex')
const applicationIdAt = 68

/** So much of its beginning holds the first pages of a journal's schema. */
const beginningBytes = 256 * 1024

/**
 * A look at the first bytes: nothing is copied of a film, or of another program's database. Where one of the two marks is
 * there and our first table too, the other mark has rotted.
 */
function assertJournal(path: string): void {
  // A pipe or a device would never end.
  if (!existsSync(path) || !statSync(path).isFile() || statSync(path).size === 0)
    refuse('journal.missing', 'There is no journal in this place.', path, 'Choose a file named journal.db.')
  const head = Buffer.alloc(beginningBytes)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  const isDatabase = head.subarray(0, magic.length).equals(magic)
  const isOurs = head.readUInt32BE(applicationIdAt) === applicationId
  if (isDatabase && isOurs) return
  if ((isDatabase || isOurs) && head.includes(stepsTable))
    throw new ProblemError(corruptProblem(path, 'its first bytes are not what they were'))
  refuse(
    'journal.foreign-file',
    'This file is not a Tunewright journal.',
    path,
    'Choose a journal.db, or a backup of one.',
  )
}

const companions = ['', '-wal', '-journal'] as const
const mostTries = 3

/** Copies the journal and its log as they were at one moment. */
function copyWhole(path: string, copy: string, folder: string): void {
  for (let n = 0; n < mostTries; n++) {
    const before = stateOf(path)
    const made = attemptOn(folder, () => {
      for (const suffix of companions) {
        rmSync(copy + suffix, { force: true })
        if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_FICLONE)
      }
    })
    if (!made.ok) throw new ProblemError(made.problem)
    if (stateOf(path) === before) return
  }
  refuse(
    'journal.busy',
    'Another program is writing to this journal.',
    path,
    'Close Tunewright there, or open a backup of it.',
  )
}

const stateOf = (path: string): string =>
  JSON.stringify(
    companions.map((suffix) => {
      const found = statSync(path + suffix, { throwIfNoEntry: false, bigint: true })
      return found && [String(found.size), String(found.mtimeNs)]
    }),
  )

/** Folds the log into the copy and upgrades its schema. The file itself is named in what is wrong. */
function bringUpToDate(
  copy: string,
  path: string,
  isAtRest: boolean,
): Pick<ForeignJournal, 'schema' | 'stood'> {
  if (countDroppedCommits(copy) > 0)
    throw new ProblemError(corruptProblem(path, 'its log is damaged: entries that were kept are lost'))
  const db = openForWriting(copy)
  try {
    const version = readVersion(db, path)
    if (version === 0) throw new ProblemError(corruptProblem(path, 'it has no tables'))
    assertSchema(db, path, version)
    assertSound(db, copy, path)
    assertUnchanged(db, path)
    const isUpgraded = migrate(db, path).to > version
    const stood = readStood(db)
    if (isAtRest) db.transaction(putToRest)(db)
    // The digest of the last closing is about the schema and the rows of that time.
    if (isUpgraded || isAtRest) db.exec('UPDATE sessions SET contents_sha256 = NULL')
    db.pragma('wal_checkpoint(TRUNCATE)')
    return { schema: version, stood }
  } finally {
    db.close()
  }
}

/** Of a search that nobody works on here, how it stood. */
const stoodThen: Readonly<Record<LivingStudy, string>> = {
  waiting: 'was waiting for its turn',
  running: 'was at work',
  paused: 'was paused',
}

function readStood(db: Database): ForeignJournal['stood'] {
  const rows = db
    .prepare(`SELECT id, status FROM studies WHERE status IN (${listed(Object.keys(stoodThen))})`)
    .all() as { id: string; status: LivingStudy }[]
  return new Map(rows.map(({ id, status }) => [id, status]))
}

const listed = (statuses: readonly string[]): string => statuses.map((one) => `'${one}'`).join(', ')

function putToRest(db: Database): void {
  db.exec(`UPDATE runs SET status = 'interrupted',
      ended_at_ms = coalesce(ended_at_ms, (SELECT max(at_ms) FROM events WHERE run_id = runs.id))
    WHERE status IN (${listed(activeStatuses)})`)
  const told = Object.entries(stoodThen).map(([status, how]) => `WHEN '${status}' THEN '${how}'`)
  db.exec(`UPDATE studies SET status = 'stopped',
      reason = 'It ' || CASE status ${told.join(' ')} END || ' when this journal was last written.'
    WHERE status IN (${listed(Object.keys(stoodThen))})`)
  correctTrials(db)
}

const makeFolder = (parent: string): string =>
  mkdtempSync(join(parent, `tunewright-looked-into-${process.pid}-`))

/** Copies that a process which ended before it closed them left behind. */
function sweepLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = Number(/^tunewright-looked-into-(\d+)-/.exec(name)?.[1])
    if (Number.isSafeInteger(pid) && !isAlive(pid)) removeIfOwn(join(parent, name))
  }
}

/** The folder may be shared: what another person left is theirs, and no reason to refuse a journal. */
function removeIfOwn(leftover: string): void {
  try {
    rmSync(leftover, { recursive: true, force: true })
  } catch {
    return
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
