// How many lines a text takes at most in a box of a set width, before it is drawn. Pure.

/** Scripts without spaces between words have letters as wide as high, as have pictures; lines of them break anywhere. */
const wide =
  /[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}\p{Script_Extensions=Hangul}\p{Script_Extensions=Yi}\p{Extended_Pictographic}\u3000-\u303F\uFF01-\uFF60\uFFE0-\uFFE6]/u
const broad = /[\p{Lu}\p{Lt}mw@%&⟨⟩—…]/u
/** In small letters of the usual width. */
const widthOf = (letter: string): number => (wide.test(letter) ? 2 : broad.test(letter) ? 1.4 : 1)

/** What stays together on a line, where the line has room for it. */
const part = /[^\s-]*[\s-]?/gu

/** `room`: small letters that surely stand side by side. */
export function linesNeeded(text: string, room: number): number {
  let lines = 1
  let used = 0
  for (const [word] of text.matchAll(part)) {
    const letters = [...word].map(widthOf)
    const width = letters.reduce((sum, one) => sum + one, 0)
    // A word too long for a line begins one of its own and is broken.
    const isWhole = used + width > room && !wide.test(word)
    if (isWhole && used > 0) {
      lines += 1
      used = 0
    }
    for (const letter of letters) {
      if (used + letter > room) {
        lines += 1
        used = 0
      }
      used += letter
    }
  }
  return lines
}
