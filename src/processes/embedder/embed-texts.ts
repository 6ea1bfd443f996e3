// Texts to vectors of length 1, as sentence-transformers makes them: tokens with the special ones that the tokenizer
// adds, states after the last norm, pooled, divided by their L2 norm.
import { readModelConfig } from '#core/models/model-json.ts'
import { type BranchedRow, batchBranches } from '#core/proof/label-layout.ts'
import {
  type Backend,
  buildEmbeddingGraph,
  type ModelConfig,
  normaliseRows,
  poolingFeed,
  type Session,
} from '#engine/index.ts'
import { type Collation, collate, type EncodedRow } from '#engine/train/collate.ts'
import type { Tokenizer } from '#formats/tokenizer.ts'
import type { EmbedderEvent, EmbedderJob, Pooling } from '#shared/embedding-protocol.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { locateWeights, readTextSide } from '../scorer/model-folder.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'

/** Places of one batch, padding included. */
const placesPerBatch = 2048

/** A row of which nothing is asked. */
type TextRow = EncodedRow & Pick<BranchedRow, 'ids' | 'targets'>

/** The whole job of the process. Throws ProblemError; emits `plan`, then `vectors` by batches, then `finished`. */
export async function embedTexts(
  job: EmbedderJob,
  backend: Backend,
  { emit, signal }: JobContext<EmbedderEvent>,
): Promise<void> {
  const config = await readModelConfig(job.modelFolder)
  requireOneStack(config, job.modelFolder)
  const { tokenizer } = await readTextSide(job.modelFolder)
  const pooling = job.pooling ?? (config.kind === 'encoder' ? 'mean' : 'last')
  const mostTokens = Math.min(job.maxTokens, config.maxPositions)
  const { rows, cut } = await tokenise(job.texts, tokenizer, mostTokens, signal)
  await emit({ kind: 'plan', width: config.hidden, pooling, cut, backend: backend.name })
  if (rows.length > 0) {
    const built = buildEmbeddingGraph(config, { kind: 'none' })
    const weights = await locateWeights(job.modelFolder, config, built, mostTokens)
    const { threads, workFolder } = job
    const session = unwrap(await backend.compile(built.graph, { threads, weights, workFolder }))
    try {
      await embedRows(rows, { session, config, pooling }, { emit, signal })
    } finally {
      await session.dispose()
    }
  }
  await emit({ kind: 'finished' })
}

interface Embedding {
  readonly session: Session
  readonly config: ModelConfig
  readonly pooling: Pooling
}

async function embedRows(
  rows: readonly TextRow[],
  { session, config, pooling }: Embedding,
  { emit, signal }: JobContext<EmbedderEvent>,
): Promise<void> {
  const collation: Collation = {
    lossChunks: 0,
    asks: 'class',
    layout: 'padded',
    hasSegments: config.kind === 'encoder',
    hasTypes: config.embedding.types !== null,
    firstPosition: config.positionOffset,
  }
  let done = 0
  for (const indices of batchBranches(rows, { places: placesPerBatch, targets: 0 })) {
    await throwIfCancelled(signal)
    const chosen = indices.map((index) => rows[index]!)
    const { feeds, shape } = collate(chosen, collation)
    const lengths = chosen.map(({ ids }) => ids.length)
    const fed = new Map([...feeds, ['pooling', poolingFeed(pooling, lengths, shape[1])]] as const)
    const embeddings = (await session.run(fed)).get('embeddings')?.data
    if (!(embeddings instanceof Float32Array)) throw new Error('the graph returned no embeddings')
    const vectors = Float32Array.from(embeddings)
    requireFinite(vectors)
    normaliseRows(vectors, config.hidden)
    done += indices.length
    await emit({ kind: 'vectors', indices, vectors, done, total: rows.length })
  }
}

async function tokenise(
  texts: readonly string[],
  tokenizer: Tokenizer,
  mostTokens: number,
  signal: AbortSignal,
): Promise<{ rows: TextRow[]; cut: number[] }> {
  const rows: TextRow[] = []
  const cut: number[] = []
  for (const [index, text] of texts.entries()) {
    await throwIfCancelled(signal)
    const whole = tokenizer.encode(text, { addSpecialTokens: true })
    if (whole.length === 0) throw emptyText(index)
    const ids = whole.length <= mostTokens ? whole : beginning(whole, tokenizer.encode(text), mostTokens)
    if (ids.length < whole.length) cut.push(index)
    const labels = new Int32Array(ids.length).fill(ignoredLabel)
    rows.push({ rowId: String(index), ids: Int32Array.from(ids), labels, targets: [] })
  }
  return { rows, cut }
}

/** `whole` is `plain` between special tokens, which stay; what is left of `mostTokens` goes to the beginning of `plain`. */
function beginning(whole: readonly number[], plain: readonly number[], mostTokens: number): number[] {
  const special = whole.length - plain.length
  const isAt = (from: number): boolean => plain.every((id, i) => whole[from + i] === id)
  let before = 0
  while (before < special && !isAt(before)) before += 1
  const end = whole.slice(before + plain.length)
  return [...whole.slice(0, mostTokens - end.length), ...end]
}

function requireOneStack({ kind, family }: ModelConfig, where: string): void {
  if (kind !== 'sequence-to-sequence') return
  throw new ProblemError({
    code: 'model.unsupported-family',
    message: `A model of the family "${family}" reads a text and writes another: it has no single state of a text.`,
    where,
    remedy: 'Choose an encoder such as MiniLM, or a model that only writes on.',
  })
}

const emptyText = (index: number): ProblemError =>
  new ProblemError({
    code: 'usage.invalid',
    message:
      'The text is empty, and this model adds no token of its own: there is nothing to make a vector of.',
    where: `text ${index + 1}`,
    remedy: 'Leave empty texts out.',
  })

function requireFinite(vectors: Float32Array): void {
  if (vectors.every(Number.isFinite)) return
  throw new ProblemError({
    code: 'embedder.failed',
    message: 'The model gave something that is not a number.',
    where: 'inside the embedding process',
    remedy: 'The model may be damaged: add it again.',
  })
}
