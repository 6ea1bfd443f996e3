// One file or several as one table, in their order. Columns are matched in the first one; the others must have the same.
import { createHash } from 'node:crypto'
import { type Problem, ProblemError } from '#shared/result.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { type ReadRows, readRows } from './read-rows.ts'

/** Throws a ProblemError that names the file. A row of a later file has its number in its id: `2-r7`. */
export async function readFiles(
  [first, ...others]: readonly [string, ...string[]],
  scenario: Scenario,
  given: Readonly<Record<string, string>> | null,
  groupColumn: string | null,
): Promise<ReadRows> {
  const read = await readRows(first, scenario, given, groupColumn)
  if (others.length === 0) return read
  const all = [read]
  for (const path of others) {
    const next = await readRows(path, scenario, read.match.columns, groupColumn)
    requireAlike(read, next)
    all.push(next)
  }
  return joined(all)
}

function requireAlike(first: ReadRows, next: ReadRows): void {
  if (JSON.stringify(next.match.columns) !== JSON.stringify(first.match.columns))
    throw new ProblemError(otherColumns(first, next))
}

const otherColumns = (first: ReadRows, next: ReadRows): Problem => ({
  code: 'data.columns',
  message: `The columns of this file are not those of "${first.source.name}".`,
  where: next.source.name,
  remedy: `Give both the same headings (${Object.values(first.match.columns).join(', ')}), or remove one of the files.`,
})

function joined(all: readonly ReadRows[]): ReadRows {
  const [first] = all as readonly [ReadRows]
  const inFile = <T extends { readonly reason: string }>(row: T, { source }: ReadRows, i: number): T =>
    i === 0 ? row : { ...row, reason: `In "${source.name}": ${row.reason}` }
  const sha256 = createHash('sha256')
  for (const { source } of all) sha256.update(`${source.name}\n${source.sha256}\n`)
  return {
    source: {
      name: `${first.source.name} and ${all.length - 1} more`,
      sizeBytes: all.reduce((sum, { source }) => sum + source.sizeBytes, 0),
      sha256: sha256.digest('hex'),
    },
    fileSums: all.flatMap(({ fileSums }) => fileSums),
    shape: first.shape,
    columnsFound: first.columnsFound,
    match: first.match,
    rows: all.flatMap(({ rows }, i) =>
      i === 0 ? rows : rows.map((row) => ({ ...row, rowId: `${i + 1}-${row.rowId}` })),
    ),
    groups: first.groups === null ? null : all.flatMap(({ groups }) => groups ?? []),
    leftOut: all.flatMap((read, i) => read.leftOut.map((row) => inFile(row, read, i))),
    leftOutCount: all.reduce((sum, { leftOutCount }) => sum + leftOutCount, 0),
    notes: all.flatMap(({ notes }) => notes),
    noteCount: all.reduce((sum, { noteCount }) => sum + noteCount, 0),
  }
}
