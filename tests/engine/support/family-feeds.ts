// A batch of texts as graphs of any family want it: decoders, encoders and sequence-to-sequence models, every task.
import type { ModelConfig, NumericTensor, Task } from '../../../src/engine/index.ts'
import { ropeWeights } from '../../../src/engine/index.ts'
import { relativeBuckets } from '../../../src/engine/models/relative-positions.ts'
import { chunkFeeds, type Labelled } from './feeds.ts'
import { wholeTensor } from './numbers.ts'

export type Grid = readonly (readonly number[])[]

/** As transformers is given it: texts padded on the right. */
export interface FamilyBatch {
  readonly ids: Grid
  /** 1 where there is a token, 0 on padding. */
  readonly mask: Grid
  readonly types: Grid | null
  /** One class a text, or a label for every position (-100: none). */
  readonly labels: Grid | readonly number[]
  /** What the input of a decoder that looks at an encoder begins with. */
  readonly startId: number
}

type Model = Pick<ModelConfig, 'kind' | 'output' | 'relativePositions' | 'positionOffset' | 'rope'>

export const gridTensor = (grid: Grid): NumericTensor =>
  wholeTensor([grid.length, grid[0]?.length ?? 0], grid.flat())

const isGrid = (labels: FamilyBatch['labels']): labels is Grid => Array.isArray(labels[0])

export function labelGrid({ labels }: FamilyBatch): Grid {
  if (isGrid(labels)) return labels
  throw new Error('the batch has one label a text')
}

/** Each labelled place with its share of the mean: of a text's one token, of the position itself, or of the one before. */
export function labelledPlaces(model: Model, task: Task, batch: FamilyBatch): readonly Labelled[] {
  const { ids, mask, labels } = batch
  const width = ids[0]?.length ?? 0
  if (!isGrid(labels))
    return labels.map((target, b) => {
      const place = model.output.textToken === 'first' ? 0 : (mask[b] ?? []).lastIndexOf(1)
      return { row: b * width + place, target, weight: 1 / labels.length }
    })
  const shift = task.kind === 'language-model' && model.kind === 'decoder' ? 1 : 0
  const places = labels.flatMap((row, b) =>
    row.flatMap((target, s) =>
      s < shift || target === -100 ? [] : [{ row: b * row.length + s - shift, target }],
    ),
  )
  return places.map((place) => ({ ...place, weight: 1 / places.length }))
}

/** What a decoder that looks at an encoder reads: the labels one place later; any id where none is. */
function decoderFeeds(model: Model, batch: FamilyBatch): [string, NumericTensor][] {
  const { relativePositions } = model
  if (!relativePositions) throw new Error('the model has no bias by distance')
  const ids = labelGrid(batch).map((row) => [batch.startId, ...row.slice(0, -1).map((id) => Math.max(id, 0))])
  const square = (side: 'encoder' | 'decoder', length: number): NumericTensor => ({
    shape: [length, length],
    data: relativeBuckets(relativePositions, side, length),
  })
  return [
    ['buckets', square('encoder', batch.ids[0]?.length ?? 0)],
    ['decoder.ids', gridTensor(ids)],
    ['decoder.segments', gridTensor(ids.map((row) => row.map(() => 0)))],
    ['decoder.buckets', square('decoder', ids[0]?.length ?? 0)],
  ]
}

/** Every input that a body of this kind may ask for, labels in so many chunks, and rotary tables of so many positions. */
export function familyFeeds(
  model: Model,
  task: Task,
  batch: FamilyBatch,
  lossChunks: number,
  positions: number,
): Map<string, NumericTensor> {
  const { ids, mask } = batch
  const types = batch.types ?? ids.map((row) => row.map(() => 0))
  return new Map<string, NumericTensor>([
    ...ropeWeights(model, positions),
    ['ids', gridTensor(ids)],
    ['positions', gridTensor(ids.map((row) => row.map((_, s) => s + model.positionOffset)))],
    ['segments', gridTensor(mask.map((row) => row.map((bit) => 1 - bit)))],
    ['types', gridTensor(types)],
    ...(model.kind === 'sequence-to-sequence' ? decoderFeeds(model, batch) : []),
    ...chunkFeeds(labelledPlaces(model, task, batch), lossChunks),
  ])
}
