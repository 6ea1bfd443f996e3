// Two quantile functions that intervals need. Pure numbers.

/** Standard normal distribution function by Abramowitz & Stegun 26.2.17; absolute error below 7.5e-8. */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const upper = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly
  return z >= 0 ? 1 - upper : upper
}

/** P(T > t) of Student's distribution by summing its closed form for whole degrees of freedom (Abramowitz & Stegun 26.7.3-4). */
function upperTail(t: number, freedom: number): number {
  const theta = Math.atan(t / Math.sqrt(freedom))
  const cos2 = Math.cos(theta) ** 2
  const sin = Math.sin(theta)
  const isOdd = freedom % 2 === 1
  let term = isOdd ? Math.cos(theta) : 1
  let sum = freedom === 1 ? 0 : term
  for (let k = isOdd ? 3 : 2; k < freedom; k += 2) {
    term *= (cos2 * (k - 1)) / k
    sum += term
  }
  const inside = isOdd ? (2 / Math.PI) * (theta + sin * sum) : sin * sum
  return (1 - inside) / 2
}

/** t with P(T > t) = `tail` for `freedom` >= 1 degrees of freedom, tail in (0, 0.5); by bisection to 1e-9. */
export function studentQuantile(tail: number, freedom: number): number {
  let low = 0
  let high = 1e4
  while (high - low > 1e-9 * (1 + low)) {
    const middle = (low + high) / 2
    if (upperTail(middle, freedom) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}
