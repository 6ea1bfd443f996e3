// What a run found ready and what it made itself, counted as it goes and told before its end.
import type { EncodedRow } from '#engine/train/collate.ts'
import type { TrainerEventOf } from '#shared/trainer-protocol.ts'

type Told = Omit<TrainerEventOf<'reused'>, 'kind'>

export type ReuseTally = { -readonly [Part in keyof Told]: Told[Part] } & {
  /** Rows whose states below the trained blocks were asked for already: each counts once. */
  readonly metRows: WeakSet<EncodedRow>
}

export const createTally = (): ReuseTally => ({
  isModelReused: false,
  graphsReused: 0,
  graphsCompiled: 0,
  preparingMs: 0,
  areTokensReused: false,
  frozenRowsReused: 0,
  frozenRowsComputed: 0,
  frozenMs: 0,
  metRows: new WeakSet(),
})

export const reusedEvent = ({ metRows: _metRows, ...told }: ReuseTally): TrainerEventOf<'reused'> => ({
  kind: 'reused',
  ...told,
})
