// Tables as Apache Parquet, row group by row group, so that memory holds one group at a time. Columns are optional where
// they may be empty; bytes come out in pieces, and nothing is opened here.
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer/src/index.js'

/** `whole`: INT64. `time`: UTC milliseconds. `json`: any JSON value as its text. */
type ParquetKind = 'text' | 'whole' | 'number' | 'flag' | 'time' | 'json'
export interface ParquetColumn {
  readonly name: string
  readonly kind: ParquetKind
  readonly isOptional?: boolean
}

const elements: Readonly<Record<ParquetKind, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  whole: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  flag: { type: 'BOOLEAN' },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
}

export interface ParquetLimits {
  readonly rows: number
  /** Characters of texts; a group ends at whichever comes first. */
  readonly characters: number
}
const usualLimits: ParquetLimits = { rows: 50_000, characters: 16_000_000 }

/** A row's values by column name; undefined counts as null. A null in a column that is not optional is a bug and throws. */
export type ParquetRow = Readonly<Record<string, unknown>>

/** The bytes of one file. */
export async function* encodeParquet(
  columns: readonly ParquetColumn[],
  rows: Iterable<ParquetRow> | AsyncIterable<ParquetRow>,
  createdBy: string,
  limits: ParquetLimits = usualLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = new ByteWriter()
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, kind, isOptional }) => ({
      name,
      ...elements[kind],
      repetition_type: isOptional === true ? ('OPTIONAL' as const) : ('REQUIRED' as const),
    })),
  ]
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy })
  let group = emptyGroup(columns)
  for await (const row of rows) {
    addRow(group, columns, row)
    if (group.rows < limits.rows && group.characters < limits.characters) continue
    await writeGroup(writer, columns, group)
    yield taken(bytes)
    group = emptyGroup(columns)
  }
  // A file without rows has its columns all the same.
  if (group.rows > 0) await writeGroup(writer, columns, group)
  await writer.finish()
  yield taken(bytes)
}

interface Group {
  rows: number
  characters: number
  readonly values: unknown[][]
}

const emptyGroup = (columns: readonly ParquetColumn[]): Group => ({
  rows: 0,
  characters: 0,
  values: columns.map(() => []),
})

function addRow(group: Group, columns: readonly ParquetColumn[], row: ParquetRow): void {
  for (const [place, { name, kind, isOptional }] of columns.entries()) {
    const value = stored(kind, row[name] ?? null)
    if (value === null && isOptional !== true) throw new Error(`column ${name} has no value`)
    if (typeof value === 'string') group.characters += value.length
    group.values[place]?.push(value)
  }
  group.rows += 1
}

function stored(kind: ParquetKind, value: unknown): unknown {
  if (value === null) return null
  if (kind === 'json') return JSON.stringify(value)
  if (kind === 'whole') return BigInt(value as number)
  return kind === 'time' ? new Date(value as number) : value
}

async function writeGroup(
  writer: ParquetWriter,
  columns: readonly ParquetColumn[],
  { values, rows }: Group,
): Promise<void> {
  await writer.write({
    columnData: columns.map(({ name }, place) => ({ name, data: values[place] ?? [] })),
    rowGroupSize: rows,
  })
}

/** Places of bytes in the file are counted on; the buffer begins anew. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice()
  writer.index = 0
  return bytes
}
