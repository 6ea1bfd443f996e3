// Full-text search over names, notes and tags of runs, and over the answers of their measurements. The index keeps words
// only (no copy of the text, no places in it): one document for each run and one for each measurement.
import type { Migration } from './migration.ts'

const tagWords = "(SELECT group_concat(value, ' ') FROM json_each(NEW.tags))"
const runWords = `NEW.name || char(10) || NEW.notes || char(10) || coalesce(${tagWords}, '')`
const documentOf = '(SELECT number FROM search_documents WHERE run_id = NEW.id AND evaluation_id IS NULL)'

const tables: readonly string[] = [
  // Runs and measurements have text for a key; the index wants a number.
  `CREATE TABLE search_documents (
      number        INTEGER PRIMARY KEY,
      run_id        TEXT NOT NULL REFERENCES runs (id),
      evaluation_id TEXT UNIQUE REFERENCES evaluations (id)
    ) STRICT`,
  'CREATE UNIQUE INDEX search_documents_of_run ON search_documents (run_id) WHERE evaluation_id IS NULL',

  // Marks belong to a word: without them Hindi and Thai words would fall apart at their vowels.
  `CREATE VIRTUAL TABLE search USING fts5 (
      words, content = '', contentless_delete = 1, detail = none,
      tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
    )`,

  `CREATE TRIGGER runs_are_searched AFTER INSERT ON runs BEGIN
      INSERT INTO search_documents (run_id) VALUES (NEW.id);
      INSERT INTO search (rowid, words) VALUES (${documentOf}, ${runWords});
    END`,
  `CREATE TRIGGER runs_are_searched_anew AFTER UPDATE OF name, notes, tags ON runs BEGIN
      UPDATE search SET words = ${runWords} WHERE rowid = ${documentOf};
    END`,
]

const fillings: readonly string[] = [
  'INSERT INTO search_documents (run_id) SELECT id FROM runs ORDER BY id',
  'INSERT INTO search_documents (run_id, evaluation_id) SELECT run_id, id FROM evaluations ORDER BY id',
  `INSERT INTO search (rowid, words)
      SELECT d.number, r.name || char(10) || r.notes || char(10) ||
        coalesce((SELECT group_concat(value, ' ') FROM json_each(r.tags)), '')
      FROM search_documents d JOIN runs r ON r.id = d.run_id WHERE d.evaluation_id IS NULL`,
  `INSERT INTO search (rowid, words)
      SELECT d.number, substr(coalesce((SELECT group_concat(answer, char(10)) FROM
        (SELECT DISTINCT answer FROM answers WHERE evaluation_id = d.evaluation_id)), ''), 1, 8000000)
      FROM search_documents d WHERE d.evaluation_id IS NOT NULL`,
]

export const search: Migration = {
  version: 8,
  name: 'search',
  statements: [tables, fillings].map((list) => list.join(';\n')),
}
