// Finds what looks like personal data in a text: e-mail addresses, telephone numbers, bank accounts and card numbers whose
// check digits are right. A guess that a person confirms; names and addresses are not looked for.

export const personalKinds = ['e-mail address', 'telephone number', 'bank account', 'card number'] as const
export type PersonalKind = (typeof personalKinds)[number]

export interface PersonalFind {
  readonly kind: PersonalKind
  readonly text: string
}

const mail = /[\p{L}\d._%+-]{1,64}@[\p{L}\d-]{1,63}(?:\.[\p{L}\d-]{2,63}){1,4}/u
const iban = /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,4})?\b/
const card = /\b(?:\d[ -]?){12,18}\d\b/
/** International form, or a leading zero or bracket with at least eight digits in groups. */
const telephone = /(?:\+\d{1,3}[ ./-]?|\b0|\(0)(?:\d[ ()./-]{0,2}){7,13}\d/

/** The first find of a text; null where there is none. Bounded: looks at the first 20,000 characters. */
export function findPersonal(text: string): PersonalFind | null {
  const looked = text.slice(0, 20_000)
  const found = (pattern: RegExp): string | null => pattern.exec(looked)?.[0] ?? null
  const address = found(mail)
  if (address !== null) return { kind: 'e-mail address', text: address }
  const account = found(iban)
  if (account !== null && isIban(account)) return { kind: 'bank account', text: account }
  const number = found(card)
  if (number !== null && isCard(number)) return { kind: 'card number', text: number }
  const phone = found(telephone)
  return phone === null ? null : { kind: 'telephone number', text: phone }
}

/** ISO 13616: the rearranged number leaves 1 modulo 97. */
export function isIban(text: string): boolean {
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
export function isCard(text: string): boolean {
  const digits = text.replace(/[ -]/g, '')
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
