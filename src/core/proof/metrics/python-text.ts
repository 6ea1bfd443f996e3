// White space as Python sees it, rules of replacement, and counts of n-grams. The reference programs of the metrics are in Python, so words must
// begin and end where it lets them.

/** Unicode's white space, and the four ASCII separators 1C to 1F. */
const space = `\\p{White_Space}${String.fromCharCode(0x1c)}-${String.fromCharCode(0x1f)}`
const whiteSpace = new RegExp(`[${space}]+`, 'u')
const everySpace = new RegExp(`[${space}]+`, 'gu')
const trailingSpace = new RegExp(`[${space}]+$`, 'u')

/** str.split(): words without empty ones. */
export const pythonWords = (text: string): string[] => text.split(whiteSpace).filter((word) => word !== '')

/** str.rstrip() */
export const pythonTrimEnd = (text: string): string => text.replace(trailingSpace, '')

export const withoutSpace = (text: string): string => text.replace(everySpace, '')

/** What is searched for, everywhere, and what stands there afterwards. */
export type Rule = readonly [RegExp, string]

export const applyRules = (text: string, rules: readonly Rule[]): string =>
  rules.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), text)

export type Counts = ReadonlyMap<string, number>

/** How often each run of `n` parts occurs; parts hold no white space, so that a blank between them is unambiguous. */
export function countNgrams(parts: readonly string[], n: number, between = ' '): Counts {
  const counts = new Map<string, number>()
  for (let at = 0; at + n <= parts.length; at += 1) {
    const ngram = n === 1 ? parts[at]! : parts.slice(at, at + n).join(between)
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  return counts
}

/** How many n-grams of `some` are in `others` too, each counted as often as it stands in both. */
export function countCommon(some: Counts, others: Counts): number {
  let common = 0
  for (const [ngram, count] of some) common += Math.min(count, others.get(ngram) ?? 0)
  return common
}

export const countAll = (counts: Counts): number => {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}
