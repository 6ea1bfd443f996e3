// Loss and perplexity over a whole test set: every labelled token counts the same, whatever row it stands in.

export interface RowLoss {
  /** Sum of the cross-entropy of the row's labelled tokens. */
  readonly sumNats: number
  readonly tokens: number
}

/** Mean nats per labelled token over all tokens of all rows; NaN without tokens. */
export function meanLossNats(rows: readonly RowLoss[]): number {
  let nats = 0
  let tokens = 0
  for (const row of rows) {
    nats += row.sumNats
    tokens += row.tokens
  }
  return nats / tokens
}

/** exp(loss): between how many equally likely tokens the model hesitates on average. */
export const perplexityOf = (lossNats: number): number => Math.exp(lossNats)
