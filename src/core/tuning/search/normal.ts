// The normal distribution's upper tail, right to a part in ten million everywhere, and what follows from it.

/** P(Z > z), relative error below 1.2e-7 (the Chebyshev fit of Press et al., Numerical Recipes, section 6.2). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + x / 2)
  let power = 0
  for (let k = fit.length - 1; k >= 0; k -= 1) power = power * t + fit[k]!
  const tail = (t * Math.exp(-x * x + power)) / 2
  return z >= 0 ? tail : 1 - tail
}
const fit = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
]

/** P(from < Z < to) of a standard normal variable; from <= to. Tails keep their relative accuracy. */
export function normalMass(from: number, to: number): number {
  if (from >= 0) return upperTail(from) - upperTail(to)
  if (to <= 0) return upperTail(-to) - upperTail(-from)
  return 1 - upperTail(-from) - upperTail(to)
}

/** The logarithm of the density at z of a standard normal variable. */
export const normalLogDensity = (z: number): number => -(z * z) / 2 - Math.log(2 * Math.PI) / 2
