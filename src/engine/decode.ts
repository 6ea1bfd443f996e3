// Writes answers greedily, several side by side: each token is the likeliest after those before it. Keys and values of
// what was read stay here between runs of the graph (`buildDecodingGraph`). Draws no random number and changes no weight.
import type { Session, Tensor } from './backend-port.ts'
import type { DecodingGraph } from './build-graphs.ts'

export interface DecodedAnswer {
  /** Tokens written so far, the one that ended the answer left out. */
  readonly ids: readonly number[]
  /** Whether the model itself came to an end; else more would follow. */
  readonly isEnded: boolean
}

export interface Decoding {
  /** Of the prompts read so far, as far as they are written. */
  readonly answers: readonly DecodedAnswer[]
  /** Reads the next prompt, which gives the first token of its answer: one run of the graph. */
  read(): Promise<void>
  /** Gives every open answer one more token: one run of the graph. False where none is open: nothing was run. */
  write(): Promise<boolean>
}

export interface DecodingRequest {
  /** Token ids, at least one each; those of prompt and answer together must have a row in the rope tables. */
  readonly prompts: readonly (readonly number[])[]
  readonly stopIds: ReadonlySet<number>
  /** Of an answer, at least 1. */
  readonly mostTokens: number
}

interface OpenAnswer {
  ids: number[]
  isEnded: boolean
  /** Positions whose keys and values are remembered. */
  known: number
}

/** Added to the score of a key that is not there; its share is exactly 0 in float32. */
const hidden = -1e30

export function createDecoding(
  session: Session,
  { remembered }: DecodingGraph,
  trained: ReadonlyMap<string, Tensor>,
  { prompts, stopIds, mostTokens }: DecodingRequest,
): Decoding {
  const places = Math.max(0, ...prompts.map((prompt) => prompt.length)) + mostTokens
  const pasts = remembered.map(({ width }) => new Float32Array(prompts.length * places * width))
  const mask = new Float32Array(prompts.length * places).fill(hidden)
  const answers: OpenAnswer[] = []
  const isOpen = ({ ids, isEnded }: OpenAnswer): boolean => !isEnded && ids.length < mostTokens

  function take(answer: OpenAnswer, token: number): void {
    if (stopIds.has(token)) answer.isEnded = true
    else answer.ids.push(token)
  }

  /** Copies what a run made of `count` positions of its row `from` behind what row `to` remembers. */
  function remember(outputs: ReadonlyMap<string, Tensor>, from: number, to: number, count: number): void {
    const { known } = answers[to]!
    for (const [index, { made, width }] of remembered.entries()) {
      const fresh = floatsOf(outputs, made).subarray(from * count * width, (from + 1) * count * width)
      pasts[index]!.set(fresh, (to * places + known) * width)
    }
    mask.fill(0, to * places + known, to * places + known + count)
    answers[to]!.known += count
  }

  /** A prompt is read with one remembered position that is hidden: there is none before it. */
  async function read(): Promise<void> {
    const prompt = prompts[answers.length]
    if (prompt === undefined) throw new Error('every prompt is read')
    const past = remembered.map(
      ({ past: name, width }) => [name, floats([1, 1, width], new Float32Array(width))] as const,
    )
    const outputs = await session.run(
      new Map([
        ...trained,
        ...past,
        ['past.mask', floats([1, 1], Float32Array.of(hidden))],
        ['ids', whole([1, prompt.length], prompt)],
        ['positions', whole([1, prompt.length], [...prompt.keys()])],
        ['rows', whole([1], [prompt.length - 1])],
      ]),
    )
    const answer: OpenAnswer = { ids: [], isEnded: false, known: 0 }
    answers.push(answer)
    remember(outputs, 0, answers.length - 1, prompt.length)
    take(answer, likeliest(floatsOf(outputs, 'logits')))
  }

  /** Ended answers are fed along, so that the caches stay where they are; what they give is left aside. */
  async function write(): Promise<boolean> {
    if (!answers.some(isOpen)) return false
    const rows = answers.length
    const past = remembered.map(
      ({ past: name, width }, index) => [name, floats([rows, places, width], pasts[index]!)] as const,
    )
    const outputs = await session.run(
      new Map<string, Tensor>([
        ...trained,
        ...past,
        ['past.mask', floats([rows, places], mask)],
        [
          'ids',
          whole(
            [rows, 1],
            answers.map(({ ids }) => ids.at(-1) ?? 0),
          ),
        ],
        [
          'positions',
          whole(
            [rows, 1],
            answers.map(({ known }) => Math.min(known, places - 1)),
          ),
        ],
        ['rows', whole([rows], [...answers.keys()])],
      ]),
    )
    const logits = floatsOf(outputs, 'logits')
    const vocabulary = logits.length / rows
    for (const [row, answer] of answers.entries()) {
      if (!isOpen(answer)) continue
      remember(outputs, row, row, 1)
      take(answer, likeliest(logits.subarray(row * vocabulary, (row + 1) * vocabulary)))
    }
    return true
  }

  return { answers, read, write }
}

/** The first of the largest. */
function likeliest(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id += 1) if (logits[id]! > logits[best]!) best = id
  return best
}

function floatsOf(outputs: ReadonlyMap<string, Tensor>, name: string): Float32Array {
  const data = outputs.get(name)?.data
  if (!(data instanceof Float32Array)) throw new Error(`the graph returned no ${name}`)
  return data
}

/** The first rows of `data`, as many as `shape` says: a view. */
const floats = (shape: readonly number[], data: Float32Array): Tensor => ({
  dtype: 'float32',
  shape,
  data: data.subarray(
    0,
    shape.reduce((product, size) => product * size, 1),
  ),
})

const whole = (shape: readonly number[], numbers: readonly number[]): Tensor => ({
  dtype: 'int64',
  shape,
  data: BigInt64Array.from(numbers, BigInt),
})
