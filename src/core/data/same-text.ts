// When two texts count as the same, for duplicates and for labels spelled in two ways.

/** Unicode NFC, outer white space dropped, inner white space one space, letters in one case. */
export function foldText(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/gu, ' ').toLowerCase()
}

/** As foldText, and also equal in spite of hyphens, underscores, full stops and compatibility forms. */
export function foldLabel(label: string): string {
  return foldText(label.normalize('NFKC').replace(/[-_.\s]+/gu, ' '))
}
