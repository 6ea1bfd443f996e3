// Losses and their differences as a person reads them: as many digits as tell them apart, and no more. Pure.

export { formatLoss } from '#shared/loss-words.ts'

const write = (nats: number, digits: number): string => nats.toFixed(digits)
const mostDigits = 5

/** Both with the same digits, enough of them that they do not look equal where they are not. */
export function formatLosses(a: number, b: number): readonly [string, string] {
  for (let digits = 2; digits < mostDigits; digits++)
    if (write(a, digits) !== write(b, digits)) return [write(a, digits), write(b, digits)]
  return [write(a, mostDigits), write(b, mostDigits)]
}

/** A difference of losses and its interval: all three with the digits that the smallest of them needs. */
export function formatGain(values: readonly number[]): readonly string[] {
  const sizes = values.map(Math.abs).filter((size) => size > 0)
  const smallest = sizes.length === 0 ? 1 : Math.min(...sizes)
  const digits = Math.min(4, Math.max(2, 1 - Math.floor(Math.log10(smallest))))
  return values.map((value) => write(value, digits).replace('-', '−'))
}
