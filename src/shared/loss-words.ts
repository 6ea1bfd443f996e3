// A loss as a person reads it: the same digits wherever it stands. Pure.
const mostDigits = 5

/** "0.57"; small ones with as many digits as two that count. */
export function formatLoss(nats: number): string {
  if (!Number.isFinite(nats)) return '—'
  if (Math.abs(nats) >= 0.1 || nats === 0) return nats.toFixed(2)
  return nats.toFixed(Math.min(mostDigits, 1 - Math.floor(Math.log10(Math.abs(nats)))))
}
