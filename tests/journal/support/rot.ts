// A journal as a bad disk leaves it: every page but the first is blank, so SQLite still knows the file.
import { closeSync, openSync, statSync, writeSync } from 'node:fs'

const pageBytes = 4096

export function rot(path: string): void {
  const bytes = statSync(path).size - pageBytes
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(bytes, 0x5a), 0, bytes, pageBytes)
  closeSync(file)
}
