// Hints name the command the way this person has to type it: from a clone it is `npm run tunewright -- …`.

const ownCommands =
  'models|engines|devices|data|embed|train|runs|studies|proof|export|predict|doctor|demo|journal|web|call'

export function asTyped(text: string, command = process.env.TUNEWRIGHT_COMMAND ?? 'tunewright'): string {
  return text.replace(new RegExp(`\\btunewright (?=(?:${ownCommands})\\b)`, 'g'), `${command} `)
}

/** The same in every text of a value. */
export function withTypedCommands<T>(value: T): T {
  if (typeof value === 'string') return asTyped(value) as T
  if (Array.isArray(value)) return value.map(withTypedCommands) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withTypedCommands(one)])) as T
}
