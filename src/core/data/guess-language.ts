// Which language a text is probably written in: by its script, and for Latin letters by its commonest words. A guess that
// is called one; short texts and texts of names have none.

/** Scripts that stand for one language closely enough, most telling first: kana before the Han that Japanese uses too. */
const scripts: readonly (readonly [language: string, pattern: RegExp])[] = [
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['Korean', /\p{Script=Hangul}/gu],
  ['Chinese', /\p{Script=Han}/gu],
  ['Russian or another Cyrillic language', /\p{Script=Cyrillic}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Greek', /\p{Script=Greek}/gu],
  ['Hebrew', /\p{Script=Hebrew}/gu],
  ['Hindi', /\p{Script=Devanagari}/gu],
  ['Thai', /\p{Script=Thai}/gu],
]

/** Words that come in nearly every sentence of a language and seldom in the others. */
const commonWords: Readonly<Record<string, string>> = {
  English:
    'the and is of to in you that it for my i with not this have was are on be we your a as do an at or what how does where can',
  German: 'der die das und ist nicht ich zu den mit ein eine für auf wir von sie es im dem bitte wie',
  French: 'le la les et est de des un une pas je vous que pour dans nous du qui sur avec au ce',
  Spanish: 'el la los las y es de que no un una por para con en mi se lo del su como está',
  Italian: 'il lo la gli e è di che non un una per con mi si del della sono in come ho questo',
  Portuguese: 'o a os as e é de que não um uma por para com em meu se do da como está você',
  Dutch: 'de het een en is niet ik van in te dat op voor met zijn aan er je hoe wij mijn naar',
}

const languageOfWord = new Map<string, string[]>()
for (const [language, words] of Object.entries(commonWords))
  for (const word of words.split(' '))
    languageOfWord.set(word, [...(languageOfWord.get(word) ?? []), language])

const lookedCharacters = 2000
const leastWords = 2

/** English name of the language; null where the text does not tell. */
export function guessLanguage(text: string): string | null {
  const looked = text.slice(0, lookedCharacters)
  const letters = looked.match(/\p{L}/gu)?.length ?? 0
  if (letters === 0) return null
  for (const [language, pattern] of scripts)
    if ((looked.match(pattern)?.length ?? 0) > letters / (language === 'Japanese' ? 10 : 2)) return language
  const points = new Map<string, number>()
  // Each word once: the article of a list of things is no more of a sign than that of one.
  for (const word of new Set(looked.toLowerCase().match(/[\p{L}\p{N}]+/gu))) {
    const languages = languageOfWord.get(word) ?? []
    // A word that several languages share says less of each.
    for (const language of languages) points.set(language, (points.get(language) ?? 0) + 1 / languages.length)
  }
  const [best, second] = [...points].sort((a, b) => b[1] - a[1])
  if (best === undefined || best[1] < leastWords) return null
  return second !== undefined && second[1] > 0.8 * best[1] ? null : best[0]
}
