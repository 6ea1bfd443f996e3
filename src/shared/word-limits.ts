// How much of what a person writes about a run is kept, and what is too long of it. Screens and terminal ask here before
// they ask the journal, which refuses the same.

export const wordLimits = { name: 500, tag: 500, tags: 100, notes: 100_000, search: 500 } as const

export interface WrittenWords {
  readonly name?: string
  readonly tags?: readonly string[]
  readonly notes?: string
}

export interface TooMuch {
  readonly what: 'name' | 'tag' | 'tags' | 'notes'
  readonly most: number
  readonly count: number
  /** How the tag begins that is too long. */
  readonly beginning: string
}

/** Null where all of it can be kept. Lengths are in UTF-16 units, as the journal counts them. */
export function tooMuchIn({ name = '', tags = [], notes = '' }: WrittenWords): TooMuch | null {
  const tag = tags.find((one) => one.length > wordLimits.tag) ?? ''
  const counts = { name: name.length, tag: tag.length, tags: tags.length, notes: notes.length } as const
  for (const what of ['name', 'tag', 'tags', 'notes'] as const)
    if (counts[what] > wordLimits[what])
      return { what, most: wordLimits[what], count: counts[what], beginning: tag.slice(0, 30) }
  return null
}
