// Where a key leads in the table. Row -1 is the head. Pure.

export interface Place {
  readonly row: number
  readonly column: number
}

export interface GridSize {
  readonly rows: number
  readonly columns: number
  /** Rows that PageUp and PageDown go over. */
  readonly rowsAtOnce: number
}

/** null where the key moves nothing. */
export function nextPlace(
  { row, column }: Place,
  key: string,
  isControl: boolean,
  { rows, columns, rowsAtOnce }: GridSize,
): Place | null {
  const moves: Readonly<Record<string, Place>> = {
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: column + 1 },
    PageUp: { row: Math.max(0, row - rowsAtOnce), column },
    PageDown: { row: row + rowsAtOnce, column },
    Home: { row: isControl ? 0 : row, column: 0 },
    End: { row: isControl ? rows - 1 : row, column: columns - 1 },
  }
  const to = moves[key]
  if (to === undefined) return null
  const within = (value: number, low: number, high: number) => Math.max(low, Math.min(value, high))
  return { row: within(to.row, -1, rows - 1), column: within(to.column, 0, columns - 1) }
}
