// Regions name the part of the model a node belongs to ('embedding', 'layer.3', 'head', 'loss.0') and its phase.

export type Phase = 'forward' | 'backward' | 'recompute'

/** 'layer.3' -> 'layer.3.backward'; the forward phase has no suffix. */
export function regionOfPhase(base: string, phase: Phase): string {
  return phase === 'forward' ? base : `${base}.${phase}`
}

/** 'layer.3.backward' -> { base: 'layer.3', phase: 'backward' } */
export function splitRegion(region: string): { base: string; phase: Phase } {
  for (const phase of ['backward', 'recompute'] as const)
    if (region.endsWith(`.${phase}`)) return { base: region.slice(0, -phase.length - 1), phase }
  return { base: region, phase: 'forward' }
}
