// The global gradient norm and the factor that clips it, as torch.nn.utils.clip_grad_norm_ does.

/** L2 norm over all entries, summed in float64. NaN or Infinity if any entry is. */
export function globalNorm(gradients: Float32Array): number {
  let squares = 0
  for (let i = 0; i < gradients.length; i += 1) squares += gradients[i]! * gradients[i]!
  return Math.sqrt(squares)
}

/** min(1, clipNorm / (norm + 1e-6)); 1 where `clipNorm` is null. */
export function clipFactor(norm: number, clipNorm: number | null): number {
  return clipNorm === null ? 1 : Math.min(1, clipNorm / (norm + 1e-6))
}
