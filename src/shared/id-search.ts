// When words of a search may also be meant as a run's id. Ids are drawn by chance: a few letters stand in some of them
// without being meant, so that "12" found runs that have no 12 anywhere that a person sees. Pure.

/** Fewer letters are looked for in what a person wrote alone. */
const fewestLetters = 6

export const mayBeId = (text: string): boolean => text.trim().length >= fewestLetters
