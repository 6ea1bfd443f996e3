// The body of a model, from token ids to the states that an output or a head reads: decoder, encoder, or both.
// Legend: B rows, S positions, T positions of the decoder, C hidden, H heads.
import type { Value } from '../ir/types.ts'
import { addBlock, addNorm, type Surroundings } from './block.ts'
import type { ForwardContext } from './forward.ts'

const alone: Surroundings = { segments: null, bias: null, encoded: null }

/** ids [B,S] -> [B,S,C]: rows of the token table, scaled. */
function embedTokens({ builder, config, weights }: ForwardContext, ids: Value, name: string): Value {
  const { tokens, scale } = config.embedding
  const [rows] = builder.add('embedding', [weights.weight(tokens), ids], {}, name)
  return scale === 1 ? rows : builder.add('scale', [rows], { factor: scale }, `${name}.scaled`)[0]
}

/** The first block's input [B,S,C]: tokens, noise where it is on, learned positions and token types, their norm. */
function embed(context: ForwardContext): Value {
  const { builder, config, weights, inputs } = context
  const { positions, types, norm } = config.embedding
  const sum = (a: Value, b: Value, name: string): Value => builder.add('add', [a, b], {}, name)[0]
  const look = (table: string, name: 'positions' | 'types'): Value =>
    builder.add('embedding', [weights.weight(table), inputs.whole(name)], {}, `embedded.${name}`)[0]
  return builder.inRegion('embedding', () => {
    let x = embedTokens(context, inputs.whole('ids'), 'embedded')
    if (context.hasEmbeddingNoise) x = sum(x, inputs.wide('embedding.noise'), 'embedded.noisy')
    if (positions) x = sum(x, look(positions.name, 'positions'), 'embedded.placed')
    if (types) x = sum(x, look(types.name, 'types'), 'embedded.typed')
    return norm === null ? x : addNorm(context, x, norm, 'embedded.norm')
  })
}

/** Documents of a packed row, and padding that would be seen: a causal model sees none behind it. */
const ownSegments = ({ config, isPacked, inputs }: ForwardContext): Value | null =>
  config.kind === 'decoder' && !isPacked ? null : inputs.whole('segments')

/** Blocks `from` to `to - 1`. */
function addBlocks(
  context: ForwardContext,
  input: Value,
  from: number,
  to: number,
  around: Surroundings,
): Value {
  let x = input
  for (let layer = from; layer < to; layer += 1) x = addBlock(context, layer, x, around)
  return x
}

function buildStack(context: ForwardContext): Value {
  const { builder, config, fromLayer, toLayer, inputs } = context
  const start = fromLayer === 0 ? embed(context) : inputs.wide('hidden')
  const around = { ...alone, segments: ownSegments(context) }
  const x = addBlocks(context, start, fromLayer, toLayer ?? config.layers, around)
  const { finalNorm } = config
  if (toLayer !== null || finalNorm === null) return x
  return builder.inRegion('head', () => addNorm(context, x, finalNorm, 'hidden'))
}

/** float32 [S,S,H] from a table [buckets,H]. */
function distanceBias(context: ForwardContext, table: string, buckets: Value, name: string): Value {
  const { builder, weights } = context
  return builder.inRegion(
    'embedding',
    () => builder.add('embedding', [weights.weight(table), buckets], {}, name)[0],
  )
}

/** What the encoder makes of 'ids' [B,S,C], behind its norm. */
function buildEncoder(context: ForwardContext): Value {
  const { builder, config, inputs } = context
  const { relativePositions, encoderNorm, encoderLayers } = config
  if (!relativePositions || encoderNorm === null) throw new Error(`${config.family} has no encoder`)
  const buckets = inputs.whole('buckets')
  const bias = distanceBias(context, relativePositions.encoder, buckets, 'encoder.bias')
  const around = { ...alone, segments: inputs.whole('segments'), bias }
  const read = addBlocks(context, embed(context), 0, encoderLayers, around)
  // The encoder's last block makes what all blocks of the decoder read.
  return builder.inRegion(`layer.${encoderLayers - 1}`, () => addNorm(context, read, encoderNorm, 'encoded'))
}

/** Over 'decoder.ids', looking at what the encoder made: [B,T,C]. */
function buildDecoder(context: ForwardContext, hidden: Value): Value {
  const { builder, config, inputs } = context
  const { relativePositions, finalNorm, encoderLayers, layers } = config
  if (!relativePositions || finalNorm === null) throw new Error(`${config.family} has no decoder`)
  const start = builder.inRegion('embedding', () =>
    embedTokens(context, inputs.whole('decoder.ids'), 'decoder.embedded'),
  )
  const buckets = inputs.whole('decoder.buckets')
  const readers = inputs.whole('decoder.segments')
  const written = addBlocks(context, start, encoderLayers, layers, {
    // Targets of one row: each by itself, all of them looking at the source.
    segments: context.isPacked ? inputs.whole('decoder.documents') : readers,
    bias: distanceBias(context, relativePositions.decoder, buckets, 'decoder.bias'),
    encoded: { hidden, segments: inputs.whole('segments'), readers },
  })
  return builder.inRegion('head', () => addNorm(context, written, finalNorm, 'hidden'))
}

function buildSequenceToSequence(context: ForwardContext): Value {
  const { config, inputs, fromLayer, toLayer, half } = context
  if (fromLayer !== 0 || toLayer !== null) throw new Error(`${config.family} cannot be cut at a block`)
  const hidden = half === 'decoder' ? inputs.wide('hidden') : buildEncoder(context)
  return half === 'encoder' ? hidden : buildDecoder(context, hidden)
}

/**
 * States [B,S,C] behind the last block and its norm; of a sequence-to-sequence model those of the decoder [B,T,C], or of
 * the encoder where `context.half` says so. Between `fromLayer` and `toLayer` where they say so; a sequence-to-sequence
 * model is not cut.
 */
export const buildBody = (context: ForwardContext): Value =>
  context.config.kind === 'sequence-to-sequence' ? buildSequenceToSequence(context) : buildStack(context)
