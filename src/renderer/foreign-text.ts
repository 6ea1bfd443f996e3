// What may be shown of a stranger's text: at most so many characters, and no character that is invisible or turns the
// direction of writing. Pure.

/** Controls but line break and tab, marks of direction (Unicode TR 9), zero-width and other format characters. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu

const named: Readonly<Record<string, string>> = { '\u00AD': '', '\u200D': '\u200D' }

export function showForeign(text: string, limit: number): { readonly text: string; readonly isCut: boolean } {
  const isCut = text.length > limit
  const part = (isCut ? text.slice(0, limit) : text).toWellFormed()
  return {
    isCut,
    text: part.replace(unseen, (character) => named[character] ?? `⟨${hex(character)}⟩`),
  }
}

const hex = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
