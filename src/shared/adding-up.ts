// Parts of a whole as a person reads them: rounded so that they add up to the rounded whole. Pure.

/** Each to a multiple of `step`; those whose rest is greatest are rounded up until the sum is right. */
export function roundedToSum(parts: readonly number[], step: number): number[] {
  const units = parts.map((part) => Math.max(0, part) / step)
  const whole = Math.round(units.reduce((sum, unit) => sum + unit, 0))
  const rounded = units.map(Math.floor)
  const missing = whole - rounded.reduce((sum, unit) => sum + unit, 0)
  const byRest = units
    .map((unit, at) => ({ at, rest: unit - Math.floor(unit) }))
    .sort((a, b) => b.rest - a.rest)
  for (const { at } of byRest.slice(0, missing)) rounded[at] = (rounded[at] ?? 0) + 1
  return rounded.map((unit) => unit * step)
}
