// A long curve in few points, made while its points are read: of each stretch of steps the lowest and the highest loss are
// kept, so that no spike is lost. Knows nothing of the journal.

export interface Thinner<P> {
  add(point: P): void
  /** At most the points asked for, in order of step. */
  points(): P[]
}

interface Stretch<P> {
  first: P
  low: P
  high: P
  last: P
}

/**
 * Keeps at most `most` points (4 or more) of any number added. Steps are grouped into stretches of equal width; when
 * there are too many stretches, neighbours are joined and the width doubles. Of a step that is added
 * twice while stretches are single steps, the later point replaces the earlier.
 */
export function createThinner<P extends { readonly step: number; readonly lossNats: number }>(
  most: number,
): Thinner<P> {
  const mostStretches = Math.max(1, Math.floor(most / 4))
  let width = 1
  let stretches = new Map<number, Stretch<P>>()

  function put(into: Map<number, Stretch<P>>, point: P): void {
    const key = Math.floor(point.step / width)
    const known = into.get(key)
    if (known === undefined || width === 1)
      into.set(key, { first: point, low: point, high: point, last: point })
    else widen(known, point)
  }

  function double(): void {
    width *= 2
    const joined = new Map<number, Stretch<P>>()
    for (const stretch of stretches.values()) for (const point of pointsOf(stretch)) put(joined, point)
    stretches = joined
  }

  return {
    add(point) {
      put(stretches, point)
      while (stretches.size > (width === 1 ? most : mostStretches)) double()
    },
    points: () => [...stretches.values()].flatMap(pointsOf).sort((a, b) => a.step - b.step),
  }
}

function widen<P extends { readonly step: number; readonly lossNats: number }>(
  stretch: Stretch<P>,
  point: P,
): void {
  if (point.step < stretch.first.step) stretch.first = point
  if (point.step >= stretch.last.step) stretch.last = point
  if (point.lossNats < stretch.low.lossNats) stretch.low = point
  if (point.lossNats > stretch.high.lossNats) stretch.high = point
}

const pointsOf = <P>({ first, low, high, last }: Stretch<P>): P[] => [...new Set([first, low, high, last])]
