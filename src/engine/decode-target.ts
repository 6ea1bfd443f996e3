// Writes the targets of a sequence-to-sequence model, as decode.ts writes answers: several side by side, each token the
// likeliest after those before it, or the one that the caller chooses. A source is read once.
import type { Session, Tensor } from './backend-port.ts'
import { type Decoding, type DecodingRequest, floatsOf, likeliest } from './decode.ts'
import { segmentsOf, sourceFeeds, type TwoHalves, targetFeeds } from './train/source-target.ts'

/** Compiled graphs of `buildTargetGraphs`. */
export interface TargetSessions {
  readonly reading: Pick<Session, 'run'>
  readonly writing: Pick<Session, 'run'>
}

interface OpenTarget {
  ids: number[]
  isEnded: boolean
  readonly source: readonly number[]
  /** What the encoder made of the source [S,C]. */
  readonly encoded: Float32Array
}

export function createTargetDecoding(
  { reading, writing }: TargetSessions,
  halves: TwoHalves,
  trained: ReadonlyMap<string, Tensor>,
  { prompts, stopIds, mostTokens, choose = likeliest }: DecodingRequest,
): Decoding {
  const answers: OpenTarget[] = []
  const isOpen = ({ ids, isEnded }: OpenTarget): boolean => !isEnded && ids.length < mostTokens

  /** One more token for each of these. */
  async function extend(targets: readonly OpenTarget[]): Promise<void> {
    const decoder = targetFeeds(
      targets.map(({ ids }) => ids),
      halves,
    )
    const width = decoder.get('decoder.ids')!.shape[1]!
    const rows = BigInt64Array.from(targets, ({ ids }, row) => BigInt(row * width + ids.length))
    const outputs = await writing.run(
      new Map<string, Tensor>([
        ...trained,
        ...decoder,
        ['segments', segmentsOf(targets.map(({ source }) => source))],
        ['hidden', sideBySide(targets)],
        ['rows', { dtype: 'int64', shape: [rows.length], data: rows }],
      ]),
    )
    const logits = floatsOf(outputs, 'logits')
    const vocabulary = logits.length / targets.length
    for (const [row, target] of targets.entries()) {
      const token = choose(logits.subarray(row * vocabulary, (row + 1) * vocabulary))
      if (stopIds.has(token)) target.isEnded = true
      else target.ids.push(token)
    }
  }

  async function read(): Promise<void> {
    const source = prompts[answers.length]
    if (source === undefined) throw new Error('every prompt is read')
    const outputs = await reading.run(new Map([...trained, ...sourceFeeds([source], halves)]))
    // A session may use its buffers again.
    const encoded = floatsOf(outputs, 'hidden').slice()
    const target: OpenTarget = { ids: [], isEnded: false, source, encoded }
    answers.push(target)
    await extend([target])
  }

  async function write(): Promise<boolean> {
    const open = answers.filter(isOpen)
    if (open.length > 0) await extend(open)
    return open.length > 0
  }

  return { answers, read, write }
}

/** float32 [B,S,C] of what the encoder made of sources of several lengths: 0 behind the shorter ones. */
function sideBySide(targets: readonly OpenTarget[]): Tensor {
  const longest = targets.reduce((most, { source }) => Math.max(most, source.length), 1)
  const [first] = targets
  const width = first!.encoded.length / first!.source.length
  const data = new Float32Array(targets.length * longest * width)
  for (const [row, { encoded }] of targets.entries()) data.set(encoded, row * longest * width)
  return { dtype: 'float32', shape: [targets.length, longest, width], data }
}
