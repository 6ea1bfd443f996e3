// The scorer's job where a new last layer names classes: what it makes of every text, and beside it what the frozen model
// alone can say by the nearest mean.

import { readModelConfig } from '#core/models/model-json.ts'
import { argmax } from '#core/proof/measure-answers.ts'
import { answerOfTags, type Place } from '#core/scenarios/entity-spans.ts'
import { frozenFolderOf, openFrozenCache } from '#core/training/frozen-cache.ts'
import {
  type Backend,
  type BuiltGraph,
  buildPrefixGraph,
  buildScoringGraph,
  type ModelConfig,
  type Session,
  type Tensor,
} from '#engine/index.ts'
import { type Collation, collate, type EncodedRow } from '#engine/train/collate.ts'
import type { ClassEvent, ClassJob, ClassScore, ClassSide, NamingJob } from '#shared/class-protocol.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { unwrap } from '#shared/result.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { classedText, taggedText } from '../trainer/class-rows.ts'
import { createFrozenLayers } from '../trainer/frozen-layers.ts'
import { AveragedRow, LabelledRow } from '../trainer/labelled-rows.ts'
import { type HeadVersion, openHeadVersion } from './head-version.ts'
import { locateWeights, readTextSide } from './model-folder.ts'
import { logSoftmax, nearestClass } from './nearest-class.ts'

/** Places of one batch, padding included. */
const placesPerBatch = 2048
/** States that the means are made of; words come by the thousands and are alike. */
const mostStates = 20_000

interface ClassedRow extends EncodedRow {
  readonly text: string
  /** Where the words stand that are classified; null where it is the whole text. */
  readonly words: readonly Place[] | null
}

type Texts = ClassJob['rows']

/** Throws ProblemError; emits `plan`, then `classes` by batches, then `finished`. */
export async function predictClasses(
  job: ClassJob,
  backend: Backend,
  { emit, signal }: JobContext<ClassEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'loading' })
  const head = await openHeadVersion(job)
  const encode = await rowEncoder(job, head.config)
  await emit({ kind: 'phase', phase: 'preparing' })
  const { rows, leftOut } = encode(job.rows)
  await emit({ kind: 'plan', leftOut, backend: backend.name })
  const base = job.nearest
    ? await nearestAnswers(job, job.nearest, head, { encode, rows, backend, signal })
    : null
  const session = await open(head, job, backend, headGraph(head))
  try {
    await emit({ kind: 'phase', phase: 'working' })
    let done = 0
    for (const batch of batchesOf(rows)) {
      await throwIfCancelled(signal)
      const named = await nameRows(job, { head, session }, batch)
      const scores = named.map((one): ClassScore => ({ ...one, base: base?.get(one.rowId) ?? null }))
      done += batch.length
      await emit({ kind: 'classes', rows: scores, done, total: rows.length })
    }
  } finally {
    await session.dispose()
  }
  await emit({ kind: 'finished' })
}

interface OpenHead {
  readonly head: HeadVersion
  readonly session: Session
}

async function nameRows(
  job: NamingJob,
  { head, session }: OpenHead,
  rows: readonly ClassedRow[],
): Promise<Omit<ClassScore, 'base'>[]> {
  const logits = await logitsOf(session, head, rows)
  return rows.map((row, at) => {
    const logProbs = logits[at]!.map(logSoftmax)
    return { rowId: row.rowId, places: logProbs.length, tuned: sideOf(job, row, logProbs) }
  })
}

/** What the layer makes of a text; where the text cannot be read, why. */
export type Naming = (
  text: string,
) => Promise<{ readonly side: ClassSide | null; readonly reason: string | null }>

/** The same for texts that come one by one: model and graph stay open. Throws ProblemError. */
export async function openNaming(job: NamingJob, backend: Backend): Promise<Naming> {
  const head = await openHeadVersion(job)
  const encode = await rowEncoder(job, head.config)
  const session = await open(head, job, backend, headGraph(head))
  // What would be right is not known; the loss against it is not looked at.
  const answer = job.scenario === 'classification' ? job.classNames[0]! : 'none'
  return async (text) => {
    const { rows, leftOut } = encode([{ rowId: 'text', text, answer }])
    const [named] = rows.length === 0 ? [] : await nameRows(job, { head, session }, rows)
    return { side: named?.tuned ?? null, reason: leftOut[0]?.reason ?? null }
  }
}

const headGraph = ({ config, method, task }: HeadVersion): BuiltGraph =>
  buildScoringGraph(config, method, { task, lossChunks: 1 })

async function open(
  { folder, config }: Pick<HeadVersion, 'folder' | 'config'>,
  { threads, workFolder, maxTokens }: NamingJob,
  backend: Backend,
  built: BuiltGraph,
): Promise<Session> {
  const places = Math.max(placesPerBatch, maxTokens)
  const weights = await locateWeights(folder, config, built, places)
  return unwrap(await backend.compile(built.graph, { threads, weights, workFolder }))
}

type Encode = (texts: Texts) => {
  readonly rows: ClassedRow[]
  readonly leftOut: { readonly rowId: string; readonly reason: string }[]
}

async function rowEncoder(job: NamingJob, config: ModelConfig): Promise<Encode> {
  const { tokenizer } = await readTextSide(job.modelFolder)
  const mostTokens = Math.min(job.maxTokens, config.maxPositions)
  const isTagged = job.scenario === 'entity-recognition'
  return (texts) => {
    const rows: ClassedRow[] = []
    const leftOut: { rowId: string; reason: string }[] = []
    for (const { rowId, text, answer } of texts) {
      const row = isTagged
        ? taggedText(tokenizer, job.classNames, text, answer)
        : { ...classedText(tokenizer, config, text, job.classNames.indexOf(answer)), words: null }
      const asked = row.labels.some((label) => label !== ignoredLabel)
      if (row.ids.length > mostTokens)
        leftOut.push({
          rowId,
          reason: `it has ${row.ids.length} tokens, more than the ${mostTokens} that this run allows`,
        })
      else if (!asked) leftOut.push({ rowId, reason: 'there is nothing in it to classify' })
      else rows.push({ rowId, text, ...row })
    }
    return { rows, leftOut }
  }
}

/** Rows of like lengths together. */
function batchesOf(rows: readonly ClassedRow[]): ClassedRow[][] {
  const batches: ClassedRow[][] = []
  let open: ClassedRow[] = []
  for (const row of rows.toSorted((a, b) => a.ids.length - b.ids.length)) {
    if (open.length > 0 && (open.length + 1) * row.ids.length > placesPerBatch) {
      batches.push(open)
      open = []
    }
    open.push(row)
  }
  return open.length > 0 ? [...batches, open] : batches
}

/** How a graph that names texts or their words is fed. */
export function classCollation({ config, task }: Pick<HeadVersion, 'config' | 'task'>): Collation {
  return {
    lossChunks: 1,
    asks: 'class',
    layout: 'padded',
    hasSegments: config.kind !== 'decoder',
    hasTypes: config.embedding.types !== null,
    hasPooling: task.kind === 'sequence-classes' && task.isAveraged === true,
    firstPosition: config.positionOffset,
  }
}

/** For each row the logits of its places. */
async function logitsOf(
  session: Session,
  head: HeadVersion,
  rows: readonly ClassedRow[],
): Promise<Float32Array[][]> {
  const { feeds } = collate(rows, classCollation(head))
  const outputs = await session.run(new Map<string, Tensor>([...feeds, ...head.parameters]))
  const logits = outputs.get('logits.0')
  if (!(logits?.data instanceof Float32Array)) throw new Error('the graph returned no logits')
  const { data, shape } = logits
  const width = shape[1]!
  let at = 0
  return rows.map(({ labels }) => {
    const asked = labelsOf(labels).length
    at += asked
    return Array.from({ length: asked }, (_, i) => {
      const from = (at - asked + i) * width
      return data.slice(from, from + width)
    })
  })
}

const labelsOf = (labels: ArrayLike<number>): number[] =>
  Array.from(labels).filter((label) => label !== ignoredLabel)

function sideOf(
  { classNames }: Pick<ClassJob, 'classNames'>,
  { text, words, labels }: ClassedRow,
  logProbs: readonly Float64Array[],
): ClassSide {
  const names = logProbs.map((row) => classNames[argmax(Array.from(row))]!)
  const lossNats = labelsOf(labels).reduce((sum, label, at) => sum - (logProbs[at]![label] ?? 0), 0)
  return {
    answer: words === null ? names[0]! : answerOfTags(text, words, names),
    lossNats,
    logProbs: words === null ? Array.from(logProbs[0]!) : null,
  }
}

interface NearestParts {
  readonly encode: Encode
  readonly rows: readonly ClassedRow[]
  readonly backend: Backend
  readonly signal: AbortSignal
}

/** By the frozen model of the library, whose states training may have kept. */
async function nearestAnswers(
  job: ClassJob,
  { rows: known, cacheFolder, weightsSha256 }: NonNullable<ClassJob['nearest']>,
  head: HeadVersion,
  { encode, rows, backend, signal }: NearestParts,
): Promise<ReadonlyMap<string, ClassSide>> {
  const { hidden: width, layers: blocks } = head.config
  const { modelFolder: folder } = job
  const config = await readModelConfig(folder)
  const built = buildPrefixGraph(config, blocks, { isPacked: true })
  const session = await open({ folder, config }, job, backend, built)
  const key = { weightsSha256, base: 'float', blocks, width, backend: backend.name }
  const cache = openFrozenCache(frozenFolderOf(cacheFolder, key), key, 0)
  const collation = classCollation(head)
  const frozen = createFrozenLayers({ session, cache, width, collation })
  const statesOf = async (row: ClassedRow): Promise<{ state: Float32Array; label: number }[]> => {
    await throwIfCancelled(signal)
    const reduced = collation.hasPooling ? new AveragedRow(row) : new LabelledRow(row)
    const { data } = await frozen.hiddenStates([reduced], collate([reduced], collation))
    return Array.from(reduced.labels, (label, at) => ({
      label,
      state: Float32Array.from((data as Float32Array).subarray(at * width, (at + 1) * width)),
    }))
  }
  try {
    const states: { state: Float32Array; label: number }[] = []
    for (const row of encode(known).rows) {
      if (states.length >= mostStates) break
      states.push(...(await statesOf(row)))
    }
    const nearest = nearestClass(states, job.classNames.length)
    const sides = new Map<string, ClassSide>()
    for (const row of rows) {
      const logProbs = (await statesOf(row)).map(({ state }) => nearest.logProbs(state))
      sides.set(row.rowId, sideOf(job, row, logProbs))
    }
    return sides
  } finally {
    cache.close()
    await session.dispose()
  }
}
