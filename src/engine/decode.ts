// Writes answers, several side by side: each token is the likeliest after those before it, or the one that the caller
// chooses. Keys and values of what was read stay here between runs of the graph (`buildDecodingGraph`). Draws no random
// number and changes no weight.
import type { Session, Tensor } from './backend-port.ts'
import type { DecodingGraph } from './graphs/decoding-graph.ts'

export interface DecodedAnswer {
  /** Tokens written so far, the one that ended the answer left out. */
  readonly ids: readonly number[]
  /** Whether the model itself came to an end; else more would follow. */
  readonly isEnded: boolean
}

export interface Decoding {
  /** Of the prompts read so far, as far as they are written. */
  readonly answers: readonly DecodedAnswer[]
  /** Reads the next prompt, which gives the first token of its answer: one run of the graph, or more with windows. */
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
  /** The next token by its logits [V]; left out, the likeliest. */
  readonly choose?: (logits: Float32Array) => number
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
  graph: Pick<DecodingGraph, 'remembered' | 'masks'>,
  trained: ReadonlyMap<string, Tensor>,
  { prompts, stopIds, mostTokens, choose = likeliest }: DecodingRequest,
): Decoding {
  const places = Math.max(0, ...prompts.map((prompt) => prompt.length)) + mostTokens
  const memory = createMemory(graph, prompts.length, places)
  const answers: OpenAnswer[] = []
  const isOpen = ({ ids, isEnded }: OpenAnswer): boolean => !isEnded && ids.length < mostTokens

  function take(answer: OpenAnswer, token: number): void {
    if (stopIds.has(token)) answer.isEnded = true
    else answer.ids.push(token)
  }

  /** Every row's next tokens behind what it remembers; returns the logits behind the last token of each row. */
  async function run(
    past: ReadonlyMap<string, Tensor>,
    rows: readonly { readonly tokens: readonly number[]; readonly known: number }[],
  ): Promise<ReadonlyMap<string, Tensor>> {
    const shape = [rows.length, rows[0]!.tokens.length]
    const positions = rows.flatMap(({ tokens, known }) =>
      tokens.map((_, at) => Math.min(known + at, places - 1)),
    )
    return session.run(
      new Map<string, Tensor>([
        ...trained,
        ...past,
        [
          'ids',
          whole(
            shape,
            rows.flatMap(({ tokens }) => tokens),
          ),
        ],
        ['positions', whole(shape, positions)],
        [
          'rows',
          whole(
            [rows.length],
            rows.map((_, row) => (row + 1) * shape[1]! - 1),
          ),
        ],
      ]),
    )
  }

  /** A prompt is read at once as far as every window reaches; what is beyond goes token by token, as answers do. */
  async function read(): Promise<void> {
    const row = answers.length
    const prompt = prompts[row]
    if (prompt === undefined) throw new Error('every prompt is read')
    const answer: OpenAnswer = { ids: [], isEnded: false, known: 0 }
    answers.push(answer)
    const tokens = prompt.slice(0, memory.narrowestWindow)
    let outputs = await run(memory.nothing(), [{ tokens, known: 0 }])
    memory.remember(outputs, 0, row, answer, tokens.length)
    for (const token of prompt.slice(tokens.length)) {
      outputs = await run(memory.past(row, [answer]), [{ tokens: [token], known: answer.known }])
      memory.remember(outputs, 0, row, answer, 1)
    }
    take(answer, choose(floatsOf(outputs, 'logits')))
  }

  /** Ended answers are fed along, so that the caches stay where they are; what they give is left aside. */
  async function write(): Promise<boolean> {
    if (!answers.some(isOpen)) return false
    const rows = answers.map(({ ids, known }) => ({ tokens: [ids.at(-1) ?? 0], known }))
    const outputs = await run(memory.past(0, answers), rows)
    const logits = floatsOf(outputs, 'logits')
    const vocabulary = logits.length / rows.length
    for (const [row, answer] of answers.entries()) {
      if (!isOpen(answer)) continue
      memory.remember(outputs, row, row, answer, 1)
      take(answer, choose(logits.subarray(row * vocabulary, (row + 1) * vocabulary)))
    }
    return true
  }

  return { answers, read, write }
}

/** Keys and values of `rows` answers with room for `places` positions each, and what of them a run may see. */
function createMemory(
  { remembered, masks }: Pick<DecodingGraph, 'remembered' | 'masks'>,
  rows: number,
  places: number,
) {
  const pasts = remembered.map(({ width }) => new Float32Array(rows * places * width))
  const seen = masks.map(() => new Float32Array(rows * places).fill(hidden))
  return {
    narrowestWindow: Math.min(...masks.map(({ window }) => window ?? Number.POSITIVE_INFINITY)),

    /** One row with one remembered position that is hidden: there is none before a prompt. */
    nothing: (): Map<string, Tensor> =>
      new Map([
        ...remembered.map(
          ({ past, width }) => [past, floats([1, 1, width], new Float32Array(width))] as const,
        ),
        ...masks.map(({ name }) => [name, floats([1, 1], Float32Array.of(hidden))] as const),
      ]),

    /** What the answers from row `first` on see from their next position: a view. */
    past(first: number, answers: readonly OpenAnswer[]): Map<string, Tensor> {
      for (const [index, { window }] of masks.entries())
        for (const [row, { known }] of answers.entries())
          if (window !== null && known >= window)
            seen[index]![(first + row) * places + known - window] = hidden
      const count = answers.length
      return new Map([
        ...remembered.map(({ past, width }, index) => {
          const data = pasts[index]!.subarray(first * places * width)
          return [past, floats([count, places, width], data)] as const
        }),
        ...masks.map(
          ({ name }, index) =>
            [name, floats([count, places], seen[index]!.subarray(first * places))] as const,
        ),
      ])
    },

    /** Copies what a run made of `count` positions of its row `from` behind what row `to` remembers. */
    remember(
      outputs: ReadonlyMap<string, Tensor>,
      from: number,
      to: number,
      answer: OpenAnswer,
      count: number,
    ): void {
      const start = to * places + answer.known
      for (const [index, { made, width }] of remembered.entries()) {
        const fresh = floatsOf(outputs, made).subarray(from * count * width, (from + 1) * count * width)
        pasts[index]!.set(fresh, start * width)
      }
      for (const mask of seen) mask.fill(0, start, start + count)
      answer.known += count
    },
  }
}

/** The first of the largest. */
export function likeliest(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id += 1) if (logits[id]! > logits[best]!) best = id
  return best
}

export function floatsOf(outputs: ReadonlyMap<string, Tensor>, name: string): Float32Array {
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
