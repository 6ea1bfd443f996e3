// Finds and hides what looks like personal data in a text: e-mail addresses, telephone numbers, bank accounts and card
// numbers whose check digits are right. A guess that a person confirms; names and postal addresses are not looked for.

const personalKinds = ['e-mail address', 'bank account', 'card number', 'telephone number'] as const
type PersonalKind = (typeof personalKinds)[number]

export interface PersonalFind {
  readonly kind: PersonalKind
  readonly text: string
}

/** Looked for in this order: a bank account is no telephone number. Each pattern takes bounded time. */
const patterns: Readonly<Record<PersonalKind, RegExp>> = {
  'e-mail address': /[\p{L}\d._%+-]{1,64}@[\p{L}\d-]{1,63}(?:\.[\p{L}\d-]{2,63}){1,4}/gu,
  'bank account': /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,4})?\b/g,
  'card number': /\b(?:\d[ -]?){12,18}\d\b/g,
  // International form, or a leading zero with at least eight digits in groups; a bracket before it only if it closes
  // around the first of them.
  'telephone number':
    /(?:\+\d{1,3}[ ./-]?|(?<![\d.,/-] ?)0|\((?=0[\d ./-]{0,8}\) ?\d)0)(?:\d[ ()./-]{0,2}){7,13}\d/g,
}

const masks: Readonly<Record<PersonalKind, string>> = {
  'e-mail address': '[e-mail]',
  'bank account': '[bank account]',
  'card number': '[card number]',
  'telephone number': '[telephone]',
}

const date = /\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}\b/

function isMeant(kind: PersonalKind, text: string): boolean {
  if (kind === 'bank account') return isIban(text)
  if (kind === 'card number') return isCard(text)
  return kind !== 'telephone number' || !date.test(text)
}

/** Longest text that is looked at; the screens look at every row again and again. */
const lookedCharacters = 20_000

/** The first find of a text; null where there is none. Looks at the first 20,000 characters. */
export function findPersonal(text: string): PersonalFind | null {
  const looked = text.slice(0, lookedCharacters)
  for (const kind of personalKinds)
    for (const [found] of looked.matchAll(patterns[kind]))
      if (isMeant(kind, found)) return { kind, text: found }
  return null
}

/** The text with every find replaced by a word in brackets; the same text where there is none. */
export function maskPersonal(text: string): string {
  let masked = text
  for (const kind of personalKinds)
    masked = masked.replace(patterns[kind], (found) => (isMeant(kind, found) ? masks[kind] : found))
  return masked
}

/** ISO 13616: the rearranged number leaves 1 modulo 97. */
function isIban(text: string): boolean {
  const plain = text.replace(/ /g, '')
  if (plain.length < 15 || plain.length > 34) return false
  const digits = (plain.slice(4) + plain.slice(0, 4)).replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  )
  let rest = 0
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97
  return rest === 1
}

/** Luhn's check digit (ISO/IEC 7812-1). */
function isCard(text: string): boolean {
  const digits = text.replace(/[ -]/g, '')
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
