// The Pareto front of trials: what no other one beats in loss and cost at once.

export interface PricedTrial {
  readonly number: number
  readonly lossNats: number
  /** Milliseconds or bytes: less is better. */
  readonly cost: number
}

/** Numbers of the trials on the front by rising cost, equal ones both. Trials without finite figures are left out. */
export function frontOf(trials: readonly PricedTrial[]): number[] {
  const front: PricedTrial[] = []
  const sorted = trials
    .filter(({ lossNats, cost }) => Number.isFinite(lossNats) && Number.isFinite(cost))
    .sort((a, b) => a.cost - b.cost || a.lossNats - b.lossNats || a.number - b.number)
  for (const trial of sorted) {
    const best = front.at(-1)
    const isEqual = best?.lossNats === trial.lossNats && best.cost === trial.cost
    if (best === undefined || trial.lossNats < best.lossNats || isEqual) front.push(trial)
  }
  return front.map(({ number }) => number)
}
