// Fields that several schemas share, each said once.
import { z } from 'zod'

export const count = z.int().nonnegative()
/** UTC milliseconds. */
export const timeMs = z.int().nonnegative()
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
/** Text that UTF-8 can hold: half characters become U+FFFD. */
export const text = z.string().overwrite((given) => given.toWellFormed())

/** Neither a space nor a character that only steers others; the blank of Braille counts as a symbol and shows nothing. */
const visible = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{C}\u2800]/u
/** Whether a person sees anything of a name. */
export const isVisible = (name: string): boolean => visible.test(name)
