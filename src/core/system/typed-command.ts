// Hints name the command the way this person has to type it: from a clone it is `npm run tunewright -- …`.

const ownCommands =
  'models|engines|devices|data|embed|train|runs|studies|proof|export|predict|doctor|demo|journal|web|call'

/** What stands in quotes was said by somebody else; a path may end in the program's name. */
const commandOrQuoted = new RegExp(
  String.raw`"[^"\n]*"|“[^”\n]*”|(?<![\w./\\-])tunewright (?=(?:${ownCommands})\b)`,
  'g',
)

export function asTyped(text: string, command = process.env.TUNEWRIGHT_COMMAND ?? 'tunewright'): string {
  return text.replace(commandOrQuoted, (found) => (found.startsWith('tunewright') ? `${command} ` : found))
}

/** Of a Problem these name places and are for experts: no hints stand there. */
const leftAlone: ReadonlySet<string> = new Set(['where', 'details'])

/** The same in every text of a value, but where a Problem names the place it is about. */
export function withTypedCommands<T>(value: T): T {
  if (typeof value === 'string') return asTyped(value) as T
  if (Array.isArray(value)) return value.map(withTypedCommands) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, leftAlone.has(name) ? one : withTypedCommands(one)]),
  ) as T
}
