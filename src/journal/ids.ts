// Names for new rows: sortable by time of creation, short enough to type, random enough never to meet.
import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** "run-1hk3v2c0q-x7m2kd9p": nine digits of UTC milliseconds in base 32, then 40 random bits. */
export function newId(prefix: string, nowMs: number): string {
  let time = ''
  let rest = Math.floor(nowMs)
  for (let i = 0; i < 9; i++) {
    time = alphabet[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  let random = ''
  for (const byte of randomBytes(8)) random += alphabet[byte % 32]
  return `${prefix}-${time}-${random}`
}
