// Looks at the write-ahead log before SQLite does. SQLite takes the log up to the first frame that does not verify and
// drops the rest without a word. After a power loss that is right: only the last, unacknowledged commit can be torn. But
// where whole commits follow the bad frame, acknowledged entries were damaged on the disk, and the person must be told.
// Format: sqlite.org/fileformat2.html, section 4 (the WAL file).
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const headerBytes = 32
const frameHeaderBytes = 24
const magic = 0x377f0682

/** Commits that stand whole behind a damaged frame of this log and that SQLite will drop. 0 for a sound or no log. */
export function countDroppedCommits(journalPath: string): number {
  let file: number
  try {
    file = openSync(`${journalPath}-wal`, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
  try {
    return scan(file, fstatSync(file).size)
  } finally {
    closeSync(file)
  }
}

function scan(file: number, sizeBytes: number): number {
  const header = Buffer.alloc(headerBytes)
  if (readSync(file, header, 0, headerBytes, 0) < headerBytes) return 0
  const isBigEndian = header.readUInt32BE(0) === magic + 1
  if (!isBigEndian && header.readUInt32BE(0) !== magic) return 0
  const pageBytes = header.readUInt32BE(8)
  if (pageBytes < 512 || pageBytes > 65_536) return 0
  const sum = new RunningSum(isBigEndian)
  sum.add(header.subarray(0, 24))
  if (!sum.equals(header, 24)) return 0

  const frame = Buffer.alloc(frameHeaderBytes + pageBytes)
  let isBroken = false
  let commitsBehind = 0
  for (let at = headerBytes; at + frame.length <= sizeBytes; at += frame.length) {
    if (readSync(file, frame, 0, frame.length, at) < frame.length) break
    // Frames with other salts are left from an earlier round of the log and were folded into the journal long ago.
    const isOfThisRound = frame.compare(header, 16, 24, 8, 16) === 0
    if (!isBroken) {
      sum.add(frame.subarray(0, 8))
      sum.add(frame.subarray(frameHeaderBytes))
      isBroken = !isOfThisRound || !sum.equals(frame, 16)
      continue
    }
    if (isOfThisRound && frame.readUInt32BE(4) > 0) commitsBehind += 1
  }
  return commitsBehind
}

/** The log's cumulative checksum: two 32-bit sums over pairs of words in the byte order that the magic number names. */
class RunningSum {
  #a = 0
  #b = 0
  readonly #isBigEndian: boolean
  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian
  }

  add(bytes: Buffer): void {
    for (let i = 0; i < bytes.length; i += 8) {
      const x = this.#isBigEndian ? bytes.readUInt32BE(i) : bytes.readUInt32LE(i)
      const y = this.#isBigEndian ? bytes.readUInt32BE(i + 4) : bytes.readUInt32LE(i + 4)
      this.#a = (this.#a + x + this.#b) >>> 0
      this.#b = (this.#b + y + this.#a) >>> 0
    }
  }

  equals(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#a && bytes.readUInt32BE(at + 4) === this.#b
  }
}
