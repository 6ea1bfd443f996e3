// What is written stays as it is: SQLite itself refuses, and where someone gets round it, the hashes tell.
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { openSample } from './support/folders.ts'
import { codeOf, evaluationEvent, good, stepEvent } from './support/sample.ts'
import { addSampleStudy } from './support/study.ts'

function filled() {
  const sample = openSample()
  const { writer, newRun } = sample
  const { id } = good(writer.createRun(newRun))
  good(writer.startAttempt(id))
  good(writer.appendEvents(id, 1, [stepEvent(1, 1), stepEvent(2, 2), evaluationEvent(3, 2, 0.5, true)]))
  const evaluation = good(
    writer.addEvaluation({
      runId: id,
      subject: 'base',
      datasetFingerprint: newRun.recipe.data.fingerprint,
      metrics: { accuracy: 1 },
      answers: [{ rowId: 'r1', expected: 'a', answer: 'b', scores: {} }],
    }),
  )
  good(writer.addComparison({ runId: id, body: { verdict: 'better' } }))
  good(writer.recordTestSetOpening({ datasetFingerprint: newRun.recipe.data.fingerprint, purpose: 'proof' }))
  good(writer.addArtifact({ runId: id, kind: 'adapter', path: 'a', bytes: 1, sha256: 'e'.repeat(64) }))
  addSampleStudy(writer, newRun, 'study-a')
  good(writer.addLink({ runId: id, kind: 'winner-of', parent: 'study-a' }))
  good(writer.close())
  return { ...sample, id, evaluationId: evaluation.id }
}

describe('a stranger with SQL', () => {
  const forbidden = [
    'UPDATE events SET at_ms = at_ms + 1',
    "UPDATE events SET body = '{}' WHERE seq = 2",
    'DELETE FROM events WHERE seq = 3',
    'INSERT OR REPLACE INTO events SELECT run_id, seq, attempt, at_ms, kind, body, prev_hash, hash FROM events WHERE seq = 2',
    'INSERT INTO events SELECT run_id, 9, attempt, at_ms, kind, body, prev_hash, hash FROM events WHERE seq = 2',
    'INSERT INTO events SELECT run_id, 4, attempt, at_ms, kind, body, prev_hash, hash FROM events WHERE seq = 2',
    "UPDATE evaluations SET metrics = '{}'",
    'DELETE FROM evaluations',
    'INSERT OR REPLACE INTO evaluations SELECT * FROM evaluations',
    "UPDATE answers SET answer = 'a'",
    'DELETE FROM answers',
    'INSERT OR REPLACE INTO answers SELECT * FROM answers',
    "UPDATE comparisons SET body = '{}'",
    'DELETE FROM comparisons',
    'INSERT OR REPLACE INTO comparisons SELECT * FROM comparisons',
    "UPDATE test_set_openings SET purpose = 'nothing'",
    'DELETE FROM test_set_openings',
    'INSERT OR REPLACE INTO test_set_openings SELECT * FROM test_set_openings',
    'DELETE FROM artifacts',
    'UPDATE artifacts SET bytes = 2',
    "UPDATE studies SET spec = '{}'",
    "UPDATE studies SET project_id = 'another'",
    'DELETE FROM studies',
    'INSERT OR REPLACE INTO studies SELECT * FROM studies',
    "UPDATE trials SET settings = '{}' WHERE number = 1",
    'UPDATE trials SET seed = 1 WHERE number = 1',
    "UPDATE trials SET rungs = '[1]' WHERE number = 1",
    'UPDATE trials SET run_id = NULL WHERE number = 1',
    'UPDATE trials SET loss_nats = 0.1 WHERE number = 0',
    "UPDATE trials SET status = 'planned', ended_at_ms = NULL WHERE number = 0",
    'DELETE FROM trials WHERE number = 1',
    'INSERT OR REPLACE INTO trials SELECT * FROM trials',
    "INSERT INTO trials SELECT study_id, 3, purpose, settings, seed, rungs, status, NULL, NULL, NULL, '[]', NULL, NULL, 1, NULL FROM trials WHERE number = 1",
    "UPDATE links SET kind = 'repeats'",
    'DELETE FROM links',
  ]
  const { path } = filled()

  test.each(forbidden)('is refused: %s', (statement) => {
    const db = new Database(path)
    const before = db.serialize()
    expect(() => db.exec(statement)).toThrow(/append-only|must follow|never/)
    expect(db.serialize().equals(before)).toBe(true)
    db.close()
  })

  test('cannot write a link over one that is there', () => {
    const db = new Database(path)
    const links = () => db.prepare('SELECT * FROM links').all()
    const before = links()
    expect(before).toHaveLength(1)
    db.exec('INSERT OR REPLACE INTO links SELECT run_id, kind, parent, 5 FROM links')
    expect(links()).toEqual(before)
    db.close()
  })

  test.each([
    "UPDATE runs SET status = 'won'",
    "UPDATE runs SET recipe = 'not json'",
    "UPDATE runs SET seed = 'seven'",
    "UPDATE runs SET status = 'finished', ended_at_ms = NULL",
    "UPDATE runs SET tags = '{}'",
    "UPDATE models SET weights_sha256 = 'short'",
    'UPDATE runs SET rating = 6',
    "UPDATE trials SET status = 'complete' WHERE number = 1",
    "INSERT INTO studies SELECT 'study-b', 'nowhere', name, status, spec, schedule, priority, notes, reason, worked_ms, created_at_ms, started_at_ms, ended_at_ms, removed_at_ms FROM studies",
    "INSERT INTO saved_views VALUES ('v', 'not json', 1)",
  ])('cannot write what a column does not allow: %s', (statement) => {
    const db = new Database(path)
    expect(() => db.exec(statement)).toThrow(/constraint failed|cannot store/)
    db.close()
  })
})

describe('with the triggers taken away', () => {
  test.each([
    ['a body', "UPDATE events SET body = replace(body, '0.5', '0.4') WHERE seq = 1", 1],
    ['a time', 'UPDATE events SET at_ms = at_ms + 1 WHERE seq = 2', 2],
    ['an attempt', 'UPDATE events SET attempt = 2 WHERE seq = 2', 2],
    ['a kind', "UPDATE events SET kind = 'note' WHERE seq = 3", 3],
    ['a hash', 'UPDATE events SET hash = zeroblob(32) WHERE seq = 3', 3],
    ['a link', 'UPDATE events SET prev_hash = zeroblob(32) WHERE seq = 2', 2],
    ['a missing event', 'DELETE FROM events WHERE seq = 2', 2],
  ])('the chain tells of %s', (_, statement, firstBadSeq) => {
    const { path, id } = filled()
    const db = new Database(path)
    withoutTriggers(db, () => expect(db.prepare(statement).run().changes).toBe(1))
    db.close()
    const reader = good(openJournalReader(path))
    expect(good(reader.verifyChain(id))).toMatchObject({ intact: false, firstBadSeq })
    expect(good(reader.verifyAll()).brokenRuns).toMatchObject([{ runId: id, firstBadSeq }])
    reader.close()
  })

  test('a journal whose triggers are gone is refused', () => {
    const { path } = filled()
    const db = new Database(path)
    db.exec('DROP TRIGGER events_never_change')
    db.close()
    const refused = openJournalReader(path)
    expect(codeOf(refused)).toBe('journal.corrupt')
    expect(!refused.ok && refused.problem.details).toContain('trigger events_never_change')
    expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
  })

  test('events without their run, and answers without their evaluation, are told', () => {
    const { path, id, evaluationId } = filled()
    const db = new Database(path)
    db.pragma('foreign_keys = OFF')
    withoutTriggers(db, () => {
      db.prepare('DELETE FROM runs WHERE id = ?').run(id)
      db.prepare('DELETE FROM evaluations WHERE id = ?').run(evaluationId)
    })
    // Whoever does all this can take the digest away too, or accept what it tells.
    db.exec('UPDATE sessions SET contents_sha256 = NULL')
    db.close()
    const reader = good(openJournalReader(path))
    const { damage } = good(reader.verifyAll())
    expect(damage).toContain(`events refer to the missing run ${id}`)
    expect(damage).toContain('a row of answers refers to a missing row of evaluations')
    reader.close()
  })

  test('links, queue entries and words that lead nowhere are told', () => {
    const { path, id, evaluationId } = filled()
    const db = new Database(path)
    withoutTriggers(db, () => {
      db.exec("UPDATE links SET run_id = 'nobody'")
      db.exec("UPDATE queue SET id = 'nobody'")
      db.prepare('DELETE FROM search_documents WHERE run_id = ? AND evaluation_id IS NULL').run(id)
      db.prepare(
        'DELETE FROM search WHERE rowid = (SELECT number FROM search_documents WHERE evaluation_id = ?)',
      ).run(evaluationId)
    })
    db.exec('UPDATE sessions SET contents_sha256 = NULL')
    db.close()
    const reader = good(openJournalReader(path))
    expect(good(reader.verifyAll()).damage).toEqual([
      'a link is about a run or study that is not there',
      'the queue names a run or study that is not there',
      'a run is not found by its words',
      'a measurement is not found by its words',
    ])
    reader.close()
  })

  test.each([
    "UPDATE answers SET answer = 'a'",
    'DELETE FROM answers',
    `UPDATE evaluations SET metrics = '{"accuracy":2}'`,
    `UPDATE evaluations SET subject = 'tuned'`,
    `UPDATE comparisons SET body = '{"verdict":"much better"}'`,
  ])('a measurement tells: %s', (statement) => {
    const { path } = filled()
    const db = new Database(path)
    withoutTriggers(db, () => expect(db.prepare(statement).run().changes).toBe(1))
    db.close()
    const reader = good(openJournalReader(path))
    expect(good(reader.verifyAll()).changedMeasurements).toHaveLength(1)
    reader.close()
  })
})

/** Takes every trigger away, works, and puts them back as they were: what a determined hand would do. */
function withoutTriggers(db: Database.Database, work: () => void): void {
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
    name: string
    sql: string
  }[]
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`)
  work()
  for (const { sql } of triggers) db.exec(sql)
}
