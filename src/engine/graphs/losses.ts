// Losses of labelled places: rows of the body's result are gathered, and only they reach the vocabulary or the classes.
import type { Value } from '../ir/types.ts'
import { buildOutput } from '../models/output.ts'
import type { Body } from './body-graph.ts'

/** Logits [L,V] or [L,classes] of the places that `rows` names (indices into the B*S positions). */
export function addLogits(body: Body, rows: Value, gathered: string, logits: string): Value {
  const { context, hidden, task } = body
  const [states] = context.builder.add('gatherRows', [hidden, rows], {}, gathered)
  return buildOutput(context, task, states, logits)
}

/**
 * Outputs 'losses.i' [Li] of each chunk. Each has its own symbol, L0, L1, ...: chunks may differ in size. Of a
 * classification 'logits.i' [Li,classes] are returned too: they are few, and say how sure the model is.
 */
export function addLosses(body: Body, lossChunks: number, smoothing: number): readonly Value[] {
  if (!Number.isInteger(lossChunks) || lossChunks < 1) throw new Error(`${lossChunks} is no number of chunks`)
  const { builder } = body.context
  const fed = Array.from({ length: lossChunks }, (_, chunk) => {
    const length = [`L${chunk}`]
    return {
      rows: builder.input(`rows.${chunk}`, 'int64', length),
      targets: builder.input(`targets.${chunk}`, 'int64', length),
      weights: builder.input(`weights.${chunk}`, 'float32', length),
    }
  })
  return fed.map(({ rows, targets, weights }, chunk) =>
    builder.inRegion(`loss.${chunk}`, () => {
      const logits = addLogits(body, rows, `gathered.${chunk}`, `logits.${chunk}`)
      const names = [`losses.${chunk}`, `d.logits.${chunk}`]
      const [losses] = builder.add('softmaxCrossEntropy', [logits, targets, weights], { smoothing }, ...names)
      builder.output(losses)
      if (body.task.kind !== 'language-model') builder.output(logits)
      return losses
    }),
  )
}
