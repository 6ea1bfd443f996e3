// Porter's stemmer for English (Porter 1980) with the additions of NLTK, which rouge_score uses. Words in lower case, a to
// z and digits; every other language is left to its endings.

/** NLTK's list of words that the rules would spoil. */
const irregular: ReadonlyMap<string, string> = new Map([
  ['sky', 'sky'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
])

/** One letter each: c for a consonant, v for a vowel; y is a vowel after a consonant. */
function pattern(word: string): string {
  let letters = ''
  for (const letter of word) {
    const isVowel = 'aeiou'.includes(letter) || (letter === 'y' && letters.endsWith('c'))
    letters += isVowel ? 'v' : 'c'
  }
  return letters
}

/** m of the paper: how often vowels are followed by consonants. */
const measure = (stem: string): number => pattern(stem).split('vc').length - 1
const hasVowel = (stem: string): boolean => pattern(stem).includes('v')
const isLong = (stem: string): boolean => measure(stem) > 0
const isLonger = (stem: string): boolean => measure(stem) > 1

/** *o of the paper, and NLTK's addition of two letters, vowel and consonant. */
function endsShort(word: string): boolean {
  const letters = pattern(word)
  if (word.length === 2) return letters === 'vc'
  return letters.endsWith('cvc') && !/[wxy]$/u.test(word)
}

const endsDouble = (word: string): boolean =>
  word.length >= 2 && word.at(-1) === word.at(-2) && pattern(word).endsWith('c')

type Rule = readonly [suffix: string, replacement: string, condition?: (stem: string) => boolean]

/** The first rule whose ending fits decides, whether or not its condition holds. */
function applyFirst(word: string, rules: readonly Rule[]): string {
  for (const [suffix, replacement, condition] of rules) {
    if (!word.endsWith(suffix)) continue
    const stem = word.slice(0, word.length - suffix.length)
    return condition === undefined || condition(stem) ? stem + replacement : word
  }
  return word
}

const plural: readonly Rule[] = [
  ['sses', 'ss'],
  ['ies', 'i'],
  ['ss', 'ss'],
  ['s', ''],
]

const step1a = (word: string): string =>
  word.endsWith('ies') && word.length === 4 ? `${word.slice(0, 1)}ie` : applyFirst(word, plural)

function step1b(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, -3) + (word.length === 4 ? 'ie' : 'i')
  if (word.endsWith('eed')) return isLong(word.slice(0, -3)) ? word.slice(0, -1) : word
  const ending = ['ed', 'ing'].find(
    (suffix) => word.endsWith(suffix) && hasVowel(word.slice(0, -suffix.length)),
  )
  if (ending === undefined) return word
  const stem = word.slice(0, -ending.length)
  if (/(?:at|bl|iz)$/u.test(stem)) return `${stem}e`
  if (endsDouble(stem)) return /[lsz]$/u.test(stem) ? stem : stem.slice(0, -1)
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem
}

const step1c = (word: string): string =>
  applyFirst(word, [['y', 'i', (stem) => stem.length > 1 && pattern(stem).endsWith('c')]])

const derived: readonly Rule[] = (
  [
    ['ational', 'ate'],
    ['tional', 'tion'],
    ['enci', 'ence'],
    ['anci', 'ance'],
    ['izer', 'ize'],
    ['bli', 'ble'],
    ['alli', 'al'],
    ['entli', 'ent'],
    ['eli', 'e'],
    ['ousli', 'ous'],
    ['ization', 'ize'],
    ['ation', 'ate'],
    ['ator', 'ate'],
    ['alism', 'al'],
    ['iveness', 'ive'],
    ['fulness', 'ful'],
    ['ousness', 'ous'],
    ['aliti', 'al'],
    ['iviti', 'ive'],
    ['biliti', 'ble'],
    ['fulli', 'ful'],
  ] as const
).map(([suffix, replacement]) => [suffix, replacement, isLong])

function step2(word: string): string {
  if (word.endsWith('alli') && isLong(word.slice(0, -4))) return step2(word.slice(0, -2))
  // The l of -logi counts with the stem, so that geo- and theo- are long enough.
  return applyFirst(word, [...derived, ['logi', 'log', (stem) => isLong(`${stem}l`)]])
}

const further: readonly Rule[] = (
  [
    ['icate', 'ic'],
    ['ative', ''],
    ['alize', 'al'],
    ['iciti', 'ic'],
    ['ical', 'ic'],
    ['ful', ''],
    ['ness', ''],
  ] as const
).map(([suffix, replacement]) => [suffix, replacement, isLong])

const isLongerAfterSOrT = (stem: string): boolean => isLonger(stem) && /[st]$/u.test(stem)
const endings = 'al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize'.split(' ')
const last: readonly Rule[] = endings.map((suffix) => [
  suffix,
  '',
  suffix === 'ion' ? isLongerAfterSOrT : isLonger,
])

function step5(word: string): string {
  const stem = word.slice(0, -1)
  const isDropped = word.endsWith('e') && (isLonger(stem) || (measure(stem) === 1 && !endsShort(stem)))
  const shorter = isDropped ? stem : word
  return shorter.endsWith('ll') && isLonger(shorter.slice(0, -1)) ? shorter.slice(0, -1) : shorter
}

export function porterStem(word: string): string {
  const known = irregular.get(word)
  if (known !== undefined) return known
  if (word.length <= 2) return word
  const stem = step2(step1c(step1b(step1a(word))))
  return step5(applyFirst(applyFirst(stem, further), last))
}
