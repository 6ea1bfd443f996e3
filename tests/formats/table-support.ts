// Sources made on the fly and short ways to read a table in a test.
import { type ByteSource, bytesAsSource } from '#formats/byte-source.ts'
import { openTable, type TableOptions, type TableShape } from '#formats/table.ts'
import type { TableLeftOut, TableNote, TableRecord } from '#formats/table-types.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'

export interface WholeTable {
  readonly shape: TableShape
  readonly columns: readonly string[]
  readonly records: readonly TableRecord[]
  readonly leftOut: readonly TableLeftOut[]
  readonly notes: readonly TableNote[]
}

/** A whole table in memory. */
export async function readWholeTable(
  source: ByteSource,
  options: TableOptions = {},
): Promise<Result<WholeTable>> {
  const table = await openTable(source, options)
  if (!table.ok) return table
  const records: TableRecord[] = []
  const leftOut: TableLeftOut[] = []
  const notes: TableNote[] = []
  for await (const batch of table.value.batches()) {
    if (!batch.ok) return batch
    for (const event of batch.value) {
      if (event.kind === 'record') records.push(event)
      else if (event.kind === 'left-out') leftOut.push(event)
      else notes.push(event)
    }
  }
  return ok({ shape: table.value.shape, columns: table.value.columns(), records, leftOut, notes })
}

export const sourceOf = (name: string, content: string | Uint8Array): ByteSource =>
  bytesAsSource(name, typeof content === 'string' ? new TextEncoder().encode(content) : content)

export async function readText(
  name: string,
  content: string | Uint8Array,
  options: TableOptions = {},
): Promise<WholeTable> {
  const table = await readWholeTable(sourceOf(name, content), options)
  if (!table.ok) throw new Error(JSON.stringify(table.problem))
  return table.value
}

export async function problemOf(source: ByteSource, options: TableOptions = {}): Promise<Problem> {
  const table = await readWholeTable(source, options)
  if (table.ok) throw new Error(`expected a Problem, got ${table.value.records.length} records`)
  return table.problem
}

/** Records as arrays of cells. */
export const cellsOf = (table: WholeTable): string[][] =>
  table.records.map(({ values }) => [...values.values()])

/**
 * A source whose bytes exist only while they are read: `head`, then `filler` again and again, then `tail`.
 * `bytesRead` tells how much of it was asked for.
 */
export function endlessSource(
  name: string,
  parts: { head: string; filler: string; tail: string },
  sizeBytes: number,
): ByteSource & { bytesRead(): number } {
  const head = Buffer.from(parts.head)
  const filler = Buffer.from(parts.filler)
  const tail = Buffer.from(parts.tail)
  const page = Buffer.concat(Array.from({ length: Math.ceil(65_536 / filler.length) + 2 }, () => filler))
  let asked = 0
  return {
    name,
    sizeBytes,
    bytesRead: () => asked,
    async read(offsetBytes, lengthBytes) {
      asked += lengthBytes
      const bytes = new Uint8Array(lengthBytes)
      for (let done = 0; done < lengthBytes; ) {
        const at = offsetBytes + done
        const inTail = at - (sizeBytes - tail.length)
        const piece =
          at < head.length
            ? head.subarray(at)
            : inTail >= 0
              ? tail.subarray(inTail)
              : page.subarray((at - head.length) % filler.length, 65_536).subarray(0, -inTail)
        const taken = piece.subarray(0, lengthBytes - done)
        bytes.set(taken, done)
        done += taken.length
      }
      return bytes
    },
  }
}

/** Text as bytes of a legacy encoding, by turning its decoder around. */
export function encodeLegacy(text: string, encoding: string): Uint8Array {
  const table = new Map<string, number[]>()
  const decoder = new TextDecoder(encoding)
  const learn = (bytes: number[]): void => {
    const character = decoder.decode(Uint8Array.from(bytes))
    if ([...character].length === 1 && !table.has(character)) table.set(character, bytes)
  }
  for (let a = 0; a < 256; a += 1) learn([a])
  for (let a = 0x81; a < 0xff; a += 1) for (let b = 0x40; b < 0xff; b += 1) learn([a, b])
  return Uint8Array.from([...text].flatMap((character) => table.get(character) ?? [0x3f]))
}
