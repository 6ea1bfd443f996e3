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

export const isAveraged = ({ task }: Pick<Body, 'task'>): boolean =>
  task.kind === 'sequence-classes' && task.isAveraged === true

/** Logits [B,classes] of whole texts, each the mean of its states: 'pooling' float32 [B,S] is fed (see `poolingFeed`). */
export function addTextLogits(body: Body, logits: string): Value {
  const { context, hidden, task } = body
  const weights = context.builder.input('pooling', 'float32', ['B', 'S'])
  const [states] = context.builder.add('weightedSum', [hidden, weights], {}, 'averaged')
  return buildOutput(context, task, states, logits)
}

/**
 * Outputs 'losses.i' [Li] of each chunk. Each has its own symbol, L0, L1, ...: chunks may differ in size. Of a
 * classification 'logits.i' [Li,classes] are returned too: they are few, and say how sure the model is. Texts that are
 * averaged are all labelled, so there L0 is B and no rows are fed.
 */
export function addLosses(body: Body, lossChunks: number, smoothing: number): readonly Value[] {
  if (!Number.isInteger(lossChunks) || lossChunks < 1) throw new Error(`${lossChunks} is no number of chunks`)
  const { builder } = body.context
  if (isAveraged(body) && lossChunks > 1) throw new Error('texts that are averaged have one chunk')
  const fed = Array.from({ length: lossChunks }, (_, chunk) => {
    const length = [isAveraged(body) ? 'B' : `L${chunk}`]
    return {
      rows: isAveraged(body) ? null : builder.input(`rows.${chunk}`, 'int64', length),
      targets: builder.input(`targets.${chunk}`, 'int64', length),
      weights: builder.input(`weights.${chunk}`, 'float32', length),
    }
  })
  return fed.map(({ rows, targets, weights }, chunk) =>
    builder.inRegion(`loss.${chunk}`, () => {
      const logits =
        rows === null
          ? addTextLogits(body, `logits.${chunk}`)
          : addLogits(body, rows, `gathered.${chunk}`, `logits.${chunk}`)
      const names = [`losses.${chunk}`, `d.logits.${chunk}`]
      const [losses] = builder.add('softmaxCrossEntropy', [logits, targets, weights], { smoothing }, ...names)
      builder.output(losses)
      if (body.task.kind !== 'language-model') builder.output(logits)
      return losses
    }),
  )
}
