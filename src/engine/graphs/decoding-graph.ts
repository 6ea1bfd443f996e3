// The graph that writes answers token by token: it remembers keys and values, so that no prompt is read twice.
import type { Value } from '../ir/types.ts'
import type { MethodSpec } from '../methods/methods.ts'
import type { ModelConfig } from '../models/config.ts'
import { eliminateDeadCode } from '../passes/eliminate-dead-code.ts'
import { runPasses } from '../passes/run-passes.ts'
import { type Attend, startGraph } from './body-graph.ts'
import { type BuiltGraph, describeGraph } from './built-graph.ts'
import { outputLogits } from './scoring-graphs.ts'

/** Keys or values of one block, for positions that later runs are to see. */
export interface Remembered {
  /** Fed: float32 [B,M,width], what earlier runs made. */
  readonly past: string
  /** Returned: float32 [B,S,width] of this run's positions. */
  readonly made: string
  readonly width: number
}

/** Fed as float32 [B,M]: 0 shows a remembered position, a large negative number hides it. */
export interface PastMask {
  readonly name: string
  /** Positions at this distance or further are to be hidden; null: none. */
  readonly window: number | null
}

export interface DecodingGraph extends BuiltGraph {
  readonly remembered: readonly Remembered[]
  /** One for each window that blocks have. */
  readonly masks: readonly PastMask[]
}

interface Memory {
  readonly remembered: Remembered[]
  readonly masks: Map<string, { readonly mask: PastMask; readonly value: Value }>
}

const attendRemembering =
  ({ remembered, masks }: Memory): Attend =>
  (builder) => {
    const remember = (layer: number, what: 'k' | 'v', made: Value): Value => {
      const width = Number(made.shape.at(-1))
      const past = builder.input(`past.${layer}.${what}`, 'float32', ['B', 'M', width])
      builder.output(made)
      remembered.push({ past: past.name, made: made.name, width })
      return past
    }
    const maskOf = (window: number | null): Value => {
      const name = window === null ? 'past.mask' : `past.mask.${window}`
      const known = masks.get(name) ?? {
        mask: { name, window },
        value: builder.input(name, 'float32', ['B', 'M']),
      }
      masks.set(name, known)
      return known.value
    }
    return ({ layer, kind, name, q, k, v, bias, attributes }) => {
      if (kind === 'cross' || bias) throw new Error(`${name}: only decoders write token by token`)
      const { heads, kvHeads, scale, softCap, window } = attributes
      const past = [remember(layer, 'k', k), remember(layer, 'v', v)] as const
      return builder.add(
        'rememberingAttention',
        [q, k, v, ...past, maskOf(window)],
        { heads, kvHeads, scale, softCap },
        name,
      )[0]
    }
  }

/**
 * Logits of positions that follow on M remembered ones. Fed: 'ids', 'positions' int64 [B,S], 'rows' int64 [L], trainable
 * weights, and what `masks` and `remembered` name. Returns 'logits' float32 [L,V] and what `remembered` names. New
 * positions see all new ones before them: with windows feed at most one, or as many as a window holds where nothing is
 * remembered.
 */
export function buildDecodingGraph(config: ModelConfig, method: MethodSpec): DecodingGraph {
  if (config.kind !== 'decoder')
    throw new Error(`a model of kind ${config.kind} does not write token by token`)
  const memory: Memory = { remembered: [], masks: new Map() }
  const body = startGraph({ config, method, attending: attendRemembering(memory) })
  outputLogits(body)
  const built = describeGraph(runPasses(body.context.builder.build(), [eliminateDeadCode]))
  return {
    ...built,
    remembered: memory.remembered,
    masks: [...memory.masks.values()].map(({ mask }) => mask),
  }
}
