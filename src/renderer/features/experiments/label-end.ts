// Where the name of a run is cut in two, so that names which begin alike are told apart by their ends. Pure.

/** Up to so many letters stand in one line. */
const lineLetters = 24
const longestEnd = 40
/** Of a name without a comma this much of its end is kept, from a word's beginning where there is one. */
const keptLetters = 20

/** "Night search of rows, trial 5" is "Night search of rows," and "trial 5". The end is empty where the name is short. */
export function endApart(label: string): { readonly beginning: string; readonly end: string } {
  if (label.length <= lineLetters) return { beginning: label, end: '' }
  const comma = label.lastIndexOf(', ')
  if (comma > 0 && label.length - comma <= longestEnd) return cutAt(label, comma + 2)
  const from = label.length - keptLetters
  const space = label.indexOf(' ', from)
  return cutAt(label, space < 0 ? from : space + 1)
}

const cutAt = (label: string, at: number) => ({
  beginning: label.slice(0, at).trimEnd(),
  end: label.slice(at),
})
