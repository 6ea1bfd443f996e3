// What a person types into a search, as conditions on runs. The person's text never reaches the query language of the
// index: it is taken apart into words by SQLite's own tokenizer, the one that made the index, and each is asked for singly.
import Database from 'better-sqlite3'
import { type RawBuilder, sql } from 'kysely'
import { mayBeId } from '#shared/id-search.ts'

/** More words than that are not looked for. */
const mostWords = 20

/**
 * True for runs that have every word of `text`, or a longer one that begins like it, in name, notes, tags or answers; and
 * for those whose id has `text` in it, where that is long enough to be meant so. A text without words finds by the id alone.
 */
export function isFoundBy(text: string): RawBuilder<boolean> {
  const byId = mayBeId(text) ? sql<boolean>`instr(runs.id, lower(${text})) > 0` : sql<boolean>`0`
  const words = wordsOf(text)
  if (words.length === 0) return byId
  return sql<boolean>`(${sql.join(words.map(hasWord), sql` AND `)} OR ${byId})`
}

const hasWord = (word: string): RawBuilder<boolean> =>
  sql<boolean>`runs.id IN (SELECT run_id FROM search_documents WHERE number IN (SELECT rowid FROM search WHERE search MATCH ${`"${word.replaceAll('"', '""')}" *`}))`

let tokenizer: Database.Database | undefined

/** The words of a text as the index has them: without case and accents, in their order, each once. */
function wordsOf(text: string): string[] {
  tokenizer ??= openTokenizer()
  tokenizer.prepare('INSERT INTO typed (rowid, words) VALUES (1, ?)').run(text.replaceAll('\0', ' '))
  const found = tokenizer.prepare('SELECT term FROM typed_words ORDER BY offset').pluck().all() as string[]
  tokenizer.exec('DELETE FROM typed')
  return [...new Set(found)].slice(0, mostWords)
}

function openTokenizer(): Database.Database {
  const db = new Database(':memory:')
  db.exec(`CREATE VIRTUAL TABLE typed USING fts5 (
    words, tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
  )`)
  db.exec('CREATE VIRTUAL TABLE typed_words USING fts5vocab (typed, instance)')
  return db
}
