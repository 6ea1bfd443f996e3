// Llama 3's frequency scaling of rotary embeddings, in both directions: parameters to the divisors that GGUF stores in
// rope_freqs.weight, and those divisors back to parameters. Refuses divisors that the rule does not give.

/** Rule of Llama 3.1, as in Hugging Face's `rope_type: llama3`. */
export interface Llama3Scaling {
  readonly factor: number
  readonly lowFreqFactor: number
  readonly highFreqFactor: number
  readonly originalContextTokens: number
}

/**
 * Divisors of the D/2 inverse frequencies theta^(-2i/D). Wavelengths below original/high keep 1, above original/low get
 * `factor`, between them 1 / ((1 - s) / factor + s) with s = (original / wavelength - low) / (high - low).
 */
export function llama3Divisors(
  scaling: Llama3Scaling,
  theta: number,
  headDim: number,
): Float32Array<ArrayBuffer> {
  const { factor, lowFreqFactor, highFreqFactor, originalContextTokens } = scaling
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = (originalContextTokens * theta ** ((-2 * i) / headDim)) / (2 * Math.PI)
    if (turns > highFreqFactor) return 1
    if (turns < lowFreqFactor) return factor
    const s = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
    return 1 / ((1 - s) / factor + s)
  })
}

/** The scaling whose divisors these are, within 0.1 %, or null. Llama 3's own settings are tried before a fit. */
export function llama3ScalingOf(
  divisors: Float32Array,
  theta: number,
  headDim: number,
  originalContextTokens: number | undefined,
): Llama3Scaling | null {
  const factor = divisors.reduce((most, divisor) => Math.max(most, divisor), 1)
  const known = [originalContextTokens, 8192]
    .filter((tokens) => tokens !== undefined)
    .map((tokens) => ({ factor, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: tokens }))
  const candidates = [...known, ...fittedScalings(divisors, theta, headDim, factor)]
  return candidates.find((scaling) => agrees(divisors, llama3Divisors(scaling, theta, headDim))) ?? null
}

function agrees(given: Float32Array, expected: Float32Array): boolean {
  return given.length === expected.length && given.every((d, i) => Math.abs(d / expected[i]! - 1) < 1e-3)
}

/**
 * In the blended range s = (1/d - 1/factor) / (1 - 1/factor) is linear in the turns per token x: s = (T x - 1) / (h - 1)
 * with low = 1 (only ratios matter). One blended point gives T where h = 4; the outermost two give T and h.
 */
function fittedScalings(
  divisors: Float32Array,
  theta: number,
  headDim: number,
  factor: number,
): Llama3Scaling[] {
  const points: { x: number; s: number }[] = []
  for (const [i, divisor] of divisors.entries())
    if (divisor > 1.001 && divisor < factor * 0.999)
      points.push({
        x: theta ** ((-2 * i) / headDim) / (2 * Math.PI),
        s: (1 / divisor - 1 / factor) / (1 - 1 / factor),
      })
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last) return []
  const scaling = (tokens: number, highFreqFactor: number): Llama3Scaling => ({
    factor,
    lowFreqFactor: 1,
    highFreqFactor,
    originalContextTokens: Math.max(1, Math.round(tokens)),
  })
  const fitted = [scaling((3 * first.s + 1) / first.x, 4)]
  const slope = (first.s - last.s) / (first.x - last.x)
  const intercept = first.s - slope * first.x
  if (intercept < 0) fitted.push(scaling(-slope / intercept, 1 - 1 / intercept))
  return fitted
}
