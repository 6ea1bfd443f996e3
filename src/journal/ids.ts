// Names for new rows: sortable by time of creation, short enough to type, random enough never to meet.
import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

let lastTimeMs = 0

/** "run-1hk3v2c0q-x7m2kd9p": nine digits of UTC milliseconds in base 32, then 40 random bits. Ids
 * made one after the other by one process sort in that order, within a millisecond too. */
export function newId(prefix: string, nowMs: number): string {
  lastTimeMs = Math.floor(nowMs) > lastTimeMs ? Math.floor(nowMs) : lastTimeMs + 1
  let time = ''
  let rest = lastTimeMs
  for (let i = 0; i < 9; i++) {
    time = alphabet[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  let random = ''
  for (const byte of randomBytes(8)) random += alphabet[byte % 32]
  return `${prefix}-${time}-${random}`
}
