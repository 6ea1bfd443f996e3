// Full-text search over names, notes and tags of runs, and over the answers of their measurements. The index keeps words
// only (no copy of the text, no places in it): one document for each run and one for each measurement.
import type { Migration } from './migration.ts'

/** Name, notes and tags of a run. */
const runWords = (row: string): string =>
  `${row}.name || char(10) || ${row}.notes || char(10) ||
    coalesce((SELECT group_concat(value, char(10)) FROM json_each(${row}.tags)), '')`
/** What is behind the first 8 million characters is not searched: so a measurement's share of the index has an end. */
const answerWords = (evaluation: string): string =>
  `substr((SELECT group_concat(answer, char(10)) FROM
    (SELECT DISTINCT answer FROM answers WHERE evaluation_id = ${evaluation})), 1, 8000000)`
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
      INSERT INTO search (rowid, words) VALUES (${documentOf}, ${runWords('NEW')});
    END`,
  `CREATE TRIGGER runs_are_searched_anew AFTER UPDATE OF name, notes, tags ON runs BEGIN
      UPDATE search SET words = ${runWords('NEW')} WHERE rowid = ${documentOf};
    END`,

  // With the last of its answers a measurement is whole. An answer that many rows have counts once.
  `CREATE TRIGGER answers_are_searched AFTER INSERT ON answers
    WHEN NEW.position = (SELECT answer_count - 1 FROM evaluations WHERE id = NEW.evaluation_id) BEGIN
      INSERT INTO search_documents (run_id, evaluation_id)
        SELECT run_id, id FROM evaluations WHERE id = NEW.evaluation_id;
      INSERT INTO search (rowid, words)
        SELECT number, ${answerWords('NEW.evaluation_id')} FROM search_documents
        WHERE evaluation_id = NEW.evaluation_id;
    END`,
]

const fillings: readonly string[] = [
  'INSERT INTO search_documents (run_id) SELECT id FROM runs ORDER BY id',
  `INSERT INTO search_documents (run_id, evaluation_id)
    SELECT run_id, id FROM evaluations WHERE answer_count > 0 ORDER BY id`,
  `INSERT INTO search (rowid, words)
    SELECT d.number, ${runWords('r')} FROM search_documents d JOIN runs r ON r.id = d.run_id
    WHERE d.evaluation_id IS NULL`,
  `INSERT INTO search (rowid, words)
    SELECT d.number, ${answerWords('d.evaluation_id')} FROM search_documents d
    WHERE d.evaluation_id IS NOT NULL`,
]

export const search: Migration = {
  version: 8,
  name: 'search',
  statements: [tables, fillings].map((list) => list.join(';\n')),
}
