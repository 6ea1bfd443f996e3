// Fields that several schemas share, each said once.
import { z } from 'zod'

export const count = z.int().nonnegative()
/** UTC milliseconds. */
export const timeMs = z.int().nonnegative()
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
/** Text that UTF-8 can hold: half characters become U+FFFD. */
export const text = z.string().overwrite((given) => given.toWellFormed())
