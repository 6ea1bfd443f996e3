// Which column plays which part. A role has one column and a column one part; what moves takes its old place away.
import type { DataCheck } from '#shared/contract/data.ts'

export interface ColumnRoles {
  /** Column by role. */
  readonly columns: Readonly<Record<string, string>>
  /** Column whose equal values stay on one side of the split. */
  readonly groupColumn: string | null
}

export type ColumnPart =
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'together' }
  | { readonly kind: 'unused' }

/** The parts as the rows were last read, guessed ones included. */
export function rolesOf(columns: DataCheck['columns'], groupColumn: string | null): ColumnRoles {
  const named = columns.flatMap(({ name, role }) => (role === null ? [] : [[role, name] as const]))
  return { columns: Object.fromEntries(named), groupColumn }
}

export function partOf(roles: ColumnRoles, column: string): ColumnPart {
  const role = Object.entries(roles.columns).find(([, name]) => name === column)?.[0]
  if (role !== undefined) return { kind: 'role', role }
  return { kind: roles.groupColumn === column ? 'together' : 'unused' }
}

export const isSamePart = (a: ColumnPart, b: ColumnPart): boolean =>
  a.kind === b.kind && (a.kind !== 'role' || b.kind !== 'role' || a.role === b.role)

/** Gives a column its part; the column that had it before has none then. */
export function assignPart(roles: ColumnRoles, column: string, part: ColumnPart): ColumnRoles {
  const others = Object.entries(roles.columns).filter(
    ([role, name]) => name !== column && !(part.kind === 'role' && part.role === role),
  )
  const rest = roles.groupColumn === column ? null : roles.groupColumn
  return {
    columns: Object.fromEntries(part.kind === 'role' ? [...others, [part.role, column]] : others),
    groupColumn: part.kind === 'together' ? column : rest,
  }
}

/** Columns in view at a time; a file with more is leafed through. */
export const columnsAtOnce = 12

/** Columns by their place in the file, those with a part first. */
export function orderColumns(names: readonly string[], roles: ColumnRoles, wanted: string): number[] {
  const needle = wanted.trim().toLowerCase()
  const places = names
    .map((_, place) => place)
    .filter((place) => names[place]?.toLowerCase().includes(needle))
  const hasPart = (place: number): boolean => partOf(roles, names[place] ?? '').kind !== 'unused'
  return [...places.filter(hasPart), ...places.filter((place) => !hasPart(place))]
}
