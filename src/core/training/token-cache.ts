// Rows as tokens, kept on disk so that the next run on the same data begins at once, and read from there row by row, so
// that a data set larger than memory can be trained on. What does not verify is made again.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { mkdir, readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { sha256File, writeFileDurably } from '../system/durable-files.ts'

export const tokensFolderName = 'tokens'

/** `ids` and `labels` of one length. */
export interface TokenRow {
  readonly rowId: string
  /** Index of its example among all of the split. */
  readonly example: number
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

export interface TokenizedSplit {
  readonly rows: readonly TokenRow[]
  readonly leftOut: readonly { readonly rowId: string; readonly reason: string }[]
  /** It was tokenised before. */
  readonly isReused: boolean
  /** Rows cannot be read any more. */
  close(): void
}

const about = z.strictObject({
  version: z.literal(1),
  /** Of the numbers' file. */
  sha256: z.string(),
  rows: z.array(z.tuple([z.string(), z.int(), z.int().nonnegative()])),
  leftOut: z.array(z.strictObject({ rowId: z.string(), reason: z.string() })),
})

/** Everything that decides the tokens, as one name. */
export function tokenKey(facts: Readonly<Record<string, string | number>>): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}

type MadeSplit = Pick<TokenizedSplit, 'rows' | 'leftOut'>

/** The split as it was tokenised before under this key, else as `make` does it now. A disk that refuses is no reason to stop. */
export async function tokenizedOnce(
  cacheFolder: string,
  key: string,
  make: () => Promise<MadeSplit>,
): Promise<TokenizedSplit> {
  const folder = join(cacheFolder, tokensFolderName, key)
  const known = await readKept(folder)
  if (known !== null) return known
  const made = await make()
  const isKept = await keep(folder, made).then(
    () => true,
    () => false,
  )
  const kept = isKept ? await readKept(folder) : null
  return { ...(kept ?? { ...made, close: () => {} }), isReused: false }
}

const numbersName = 'tokens.bin'
const aboutName = 'about.json'

async function keep(folder: string, { rows, leftOut }: MadeSplit): Promise<void> {
  await mkdir(folder, { recursive: true })
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const { ids, labels } of rows)
      yield new Uint8Array(Int32Array.from([...Array.from(ids), ...Array.from(labels)]).buffer)
  }
  const { sha256 } = await writeFileDurably(join(folder, numbersName), chunks())
  const described: z.output<typeof about> = {
    version: 1,
    sha256,
    rows: rows.map(({ rowId, example, ids }) => [rowId, example, ids.length]),
    leftOut: [...leftOut],
  }
  await writeFileDurably(join(folder, aboutName), JSON.stringify(described))
}

/** Null where nothing is kept or it does not verify; what is damaged is removed. */
async function readKept(folder: string): Promise<TokenizedSplit | null> {
  try {
    const text = await readFile(join(folder, aboutName), 'utf8').catch(() => null)
    if (text === null) return null
    const { rows, leftOut, sha256 } = about.parse(JSON.parse(text))
    const path = join(folder, numbersName)
    if ((await sha256File(path)) !== sha256) throw new Error('the numbers are others')
    await utimes(folder, new Date(), new Date())
    const file = openSync(path, 'r')
    let offset = 0
    const read = rows.map(([rowId, example, tokens]) => {
      const row = new KeptRow(file, { rowId, example, tokens, offset })
      offset += 8 * tokens
      return row
    })
    return { rows: read, leftOut, isReused: true, close: () => closeSync(file) }
  } catch {
    await rm(folder, { recursive: true, force: true }).catch(() => {})
    return null
  }
}

/** Reads its numbers from the file each time they are asked for; the system keeps what is asked often in memory. */
class KeptRow implements TokenRow {
  readonly rowId: string
  readonly example: number
  readonly #file: number
  readonly #tokens: number
  readonly #offset: number

  constructor(
    file: number,
    at: {
      readonly rowId: string
      readonly example: number
      readonly tokens: number
      readonly offset: number
    },
  ) {
    this.rowId = at.rowId
    this.example = at.example
    this.#file = file
    this.#tokens = at.tokens
    this.#offset = at.offset
  }

  get ids(): Int32Array {
    return this.#read(this.#offset)
  }

  get labels(): Int32Array {
    return this.#read(this.#offset + 4 * this.#tokens)
  }

  #read(offset: number): Int32Array {
    const numbers = new Int32Array(this.#tokens)
    const bytes = new Uint8Array(numbers.buffer)
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#file, bytes, done, bytes.length - done, offset + done)
      if (count === 0) throw new Error('the file with the tokens became shorter while it was read')
      done += count
    }
    return numbers
  }
}
