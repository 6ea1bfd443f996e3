// What may be shown of a stranger's text: at most so many characters, and no character that is invisible or turns the
// direction of writing. Pure.

/** Scripts whose letters are joined or parted by U+200C and U+200D; between Latin letters the two only hide. */
const joiningScripts = [
  ...[
    'Arabic',
    'Syriac',
    'Mandaic',
    'Nko',
    'Mongolian',
    'Devanagari',
    'Bengali',
    'Gurmukhi',
    'Gujarati',
    'Oriya',
  ],
  ...['Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Khmer', 'Myanmar'],
]
/** Scripts whose letters have variants that a following selector picks. */
const variantScripts = ['Han', 'Mongolian', 'Myanmar', 'Phags_Pa']
const letterOf = (scripts: readonly string[]): string =>
  `[${scripts.map((script) => `\\p{Script_Extensions=${script}}`).join('')}]`

/** Invisible characters where writing needs them: joined letters, variants of letters, emoji of several parts. */
const needed = [
  `(?<=${letterOf(joiningScripts)})[\\u200C\\u200D]`,
  `(?<=${letterOf(variantScripts)})\\p{Variation_Selector}`,
  '(?<=\\p{Extended_Pictographic}[\\uFE0F\\p{Emoji_Modifier}]?)\\u200D(?=\\p{Extended_Pictographic})',
  '(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]',
  '(?<=[0-9#*])\\uFE0F(?=\\u20E3)',
].join('|')
/**
 * Controls but line break and tab, marks of direction (Unicode TR 9), lone halves of surrogate pairs, and what fonts draw
 * as nothing: fillers, the empty braille cell, soft hyphens, selectors.
 */
const unseen =
  '(?![\\n\\t])[\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\p{Default_Ignorable_Code_Point}\\u2028\\u2029\\u2800]'
const neededOrUnseen = new RegExp(`(${needed})|${unseen}`, 'gu')

export function showForeign(text: string, limit: number): { readonly text: string; readonly isCut: boolean } {
  const isCut = text.length > limit
  return {
    isCut,
    text: (isCut ? cutAt(text, limit) : text).replace(
      neededOrUnseen,
      (character, kept: string | undefined) => kept ?? `⟨${hex(character)}⟩`,
    ),
  }
}

/** The same in one string, for names inside a sentence or an attribute. */
export function nameForeign(text: string, limit: number): string {
  const shown = showForeign(text, limit)
  return shown.isCut ? `${shown.text}…` : shown.text
}

/** At most `limit` UTF-16 units, without half a character or a joiner that would join nothing. */
const cutAt = (text: string, limit: number): string => {
  const splitsPair = (text.codePointAt(limit - 1) ?? 0) > 0xffff
  return text.slice(0, splitsPair ? limit - 1 : limit).replace(/\u200D$/u, '')
}

const hex = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
