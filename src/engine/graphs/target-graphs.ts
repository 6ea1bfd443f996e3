// The two graphs by which a sequence-to-sequence model writes: the encoder reads a source once, the decoder is run anew
// over its target for every token. It remembers no keys: targets are short beside their sources.
import { renameValues } from '../ir/rewrite.ts'
import type { MethodSpec } from '../methods/methods.ts'
import type { ModelConfig } from '../models/config.ts'
import { eliminateDeadCode } from '../passes/eliminate-dead-code.ts'
import { runPasses } from '../passes/run-passes.ts'
import { attendWhole, type Body, startGraph } from './body-graph.ts'
import { type BuiltGraph, describeGraph } from './built-graph.ts'
import { outputLogits } from './scoring-graphs.ts'

export interface TargetGraphs {
  /** Fed 'ids', 'segments' [B,S], 'buckets' [S,S]; returns 'hidden' float32 [B,S,C]. */
  readonly reading: BuiltGraph
  /**
   * Fed 'hidden', 'segments', 'decoder.ids', 'decoder.segments' [B,T], 'decoder.buckets' [T,T] and 'rows' [L], indices
   * into the B*T positions; returns 'logits' float32 [L,V].
   */
  readonly writing: BuiltGraph
}

/** Both are fed the trainable weights that they use. */
export function buildTargetGraphs(config: ModelConfig, method: MethodSpec): TargetGraphs {
  const start = (half: 'encoder' | 'decoder'): Body =>
    startGraph({ config, method, attending: attendWhole, half })
  const { context, hidden } = start('encoder')
  context.builder.output(hidden)
  const reading = renameValues(context.builder.build(), new Map([[hidden.id, 'hidden']]))
  const written = start('decoder')
  outputLogits(written)
  return {
    reading: describeGraph(runPasses(reading, [eliminateDeadCode])),
    writing: describeGraph(runPasses(written.context.builder.build(), [eliminateDeadCode])),
  }
}
