import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import {
  encodeParquet,
  type ParquetColumn,
  type ParquetLimits,
  type ParquetRow,
} from '#formats/parquet-writer.ts'

const columns: readonly ParquetColumn[] = [
  { name: 'run_id', kind: 'text' },
  { name: 'step', kind: 'whole' },
  { name: 'loss', kind: 'number', isOptional: true },
  { name: 'at', kind: 'time' },
  { name: 'good', kind: 'flag', isOptional: true },
  { name: 'tags', kind: 'json' },
]

async function file(
  rows: Iterable<ParquetRow>,
  limits?: ParquetLimits,
): Promise<{ bytes: ArrayBuffer; pieces: number }> {
  const pieces: Uint8Array[] = []
  for await (const piece of encodeParquet(columns, rows, 'test', limits)) pieces.push(piece)
  const whole = Buffer.concat(pieces)
  const bytes = new ArrayBuffer(whole.length)
  new Uint8Array(bytes).set(whole)
  return { bytes, pieces: pieces.length }
}

const row = (n: number): ParquetRow => ({
  ...{ run_id: `run-${n % 7}`, step: n, loss: n % 5 === 0 ? null : 1 / (n + 1), at: 1_750_000_000_000 + n },
  ...{ good: n % 3 === 0 ? undefined : n % 2 === 0, tags: { n: [n, null, 'ü"'] } },
})

describe('a Parquet file', () => {
  test('comes in groups of bounded size, and every value comes back', async () => {
    const rows = Array.from({ length: 2500 }, (_, n) => row(n))
    const { bytes, pieces } = await file(rows, { rows: 1000, characters: 1e9 })
    const { row_groups: groups, num_rows: total } = parquetMetadata(bytes)
    expect(groups.map((group) => Number(group.num_rows))).toEqual([1000, 1000, 500])
    expect(Number(total)).toBe(2500)
    expect(pieces).toBe(3)
    const read = await parquetReadObjects({ file: bytes })
    expect(read).toEqual(
      rows.map(({ run_id, step, loss, at, good, tags }) => ({
        ...{ run_id, step: BigInt(step as number), loss, at: new Date(at as number), good: good ?? null },
        tags: JSON.stringify(tags),
      })),
    )
  })

  test('a group ends where its texts are long', async () => {
    const long = { ...row(1), run_id: 'x'.repeat(10_000) }
    const { bytes } = await file(
      Array.from({ length: 50 }, () => long),
      { rows: 1000, characters: 100_000 },
    )
    expect(parquetMetadata(bytes).row_groups.length).toBe(5)
  })

  test('without rows it has its columns', async () => {
    const { bytes } = await file([])
    const { schema, num_rows: total } = parquetMetadata(bytes)
    expect(Number(total)).toBe(0)
    expect(schema.slice(1).map(({ name }) => name)).toEqual(columns.map(({ name }) => name))
  })

  test('whole numbers beyond 32 bits are kept, and a missing value in a full column is a fault', async () => {
    const { bytes } = await file([{ ...row(1), step: 2 ** 52 }])
    expect((await parquetReadObjects({ file: bytes }))[0]?.step).toBe(BigInt(2 ** 52))
    await expect(file([{ ...row(1), run_id: null }])).rejects.toThrow('column run_id has no value')
  })
})
