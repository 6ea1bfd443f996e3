// Typed SQL, run at once: Kysely writes and checks the statement, better-sqlite3 runs it synchronously, so that a
// command has been committed when it returns and nothing can slip between two statements of a transaction.
import type { Database, Statement } from 'better-sqlite3'
import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { JournalTables } from './tables.ts'

/** Builds statements only; it has no connection and cannot run one. */
export const sqlFor: Kysely<JournalTables> = new Kysely<JournalTables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

/** The row type a query yields. */
type RowOf<Q> = Q extends Compilable<infer Row> ? Row : never

/** All rows of a query. */
export function all<Q extends Compilable<unknown>>(db: Database, query: Q): RowOf<Q>[] {
  const { sql, parameters } = query.compile()
  return prepared(db, sql).all(...parameters) as RowOf<Q>[]
}

/** The rows of a query one by one. The connection can do nothing else until the last one was taken or the loop left. */
export function each<Q extends Compilable<unknown>>(db: Database, query: Q): IterableIterator<RowOf<Q>> {
  const { sql, parameters } = query.compile()
  return prepared(db, sql).iterate(...parameters) as IterableIterator<RowOf<Q>>
}

/** The first row of a query, or undefined. */
export function first<Q extends Compilable<unknown>>(db: Database, query: Q): RowOf<Q> | undefined {
  const { sql, parameters } = query.compile()
  return prepared(db, sql).get(...parameters) as RowOf<Q> | undefined
}

/** Runs a statement that yields no rows; the number of rows it changed. */
export function run(db: Database, query: Compilable<unknown>): number {
  const { sql, parameters } = query.compile()
  return prepared(db, sql).run(...parameters).changes
}

const statements = new WeakMap<Database, Map<string, Statement<unknown[]>>>()
const mostStatements = 200

/** Statements are prepared once for each connection; the oldest goes when there are too many. */
function prepared(db: Database, sql: string): Statement<unknown[]> {
  let known = statements.get(db)
  if (!known) {
    known = new Map()
    statements.set(db, known)
  }
  let statement = known.get(sql)
  if (!statement) {
    statement = db.prepare<unknown[]>(sql)
    if (known.size >= mostStatements) known.delete(known.keys().next().value as string)
    known.set(sql, statement)
  }
  return statement
}
