// What SQLite reads for the reader's questions: keys and indexes, never a whole table, and nothing is sorted that an index keeps
// in order.
import type { Compilable } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { openForReading } from '#journal/connection.ts'
import { eventsQuery } from '#journal/read-events.ts'
import { artifactsQuery, comparisonsQuery, evaluationsQuery, openingsQuery } from '#journal/read-proof.ts'
import { countQuery, pageQuery, summariesQuery } from '#journal/read-runs.ts'
import { trialsQuery } from '#journal/read-studies.ts'
import { chainQuery, eventCountQuery, headQuery, markedQuery } from '#journal/whole-events.ts'
import { runQuery } from '#shared/journal-commands.ts'
import { openSample } from './support/folders.ts'
import { indexedSorts } from './support/indexed-sorts.ts'
import { good } from './support/sample.ts'

const { writer, path } = openSample()
afterAll(() => {
  good(writer.close())
})

/** Trials are left out by one look into an index for each run. */
const isNoTrial = [
  'CORRELATED SCALAR SUBQUERY 1',
  'SEARCH trials USING COVERING INDEX sqlite_autoindex_trials_1 (run_id=?)',
]

describe('the plan of', () => {
  test.each(indexedSorts.flatMap((sort) => [[sort, 'ascending'] as const, [sort, 'descending'] as const]))(
    'a page by %s %s reads an index in order and nothing else, and sorts nothing',
    (sort, order) => {
      const query = runQuery.parse({ sort, order })
      expect(planOf(pageQuery(query))).toEqual([
        expect.stringMatching(/^SCAN runs USING COVERING INDEX runs_by_/),
        ...isNoTrial,
      ])
    },
  )

  test('certain runs reads only their keys', () => {
    expect(planOf(countQuery(runQuery.parse({ runIds: ['r'] }))).join()).toMatch(
      /SEARCH runs USING .*\(id=\?\)/,
    )
  })

  test("a study's trials are looked up, and stars read their index", () => {
    const ofStudy = planOf(pageQuery(runQuery.parse({ studyId: 's' }))).join()
    expect(ofStudy).toContain('SEARCH trials USING PRIMARY KEY (study_id=?)')
    expect(planOf(countQuery(runQuery.parse({ minRating: 4 }))).join()).toContain(
      'COVERING INDEX runs_by_rating (rating>?)',
    )
  })

  test('the rows of a page are read by their keys', () => {
    const plan = planOf(summariesQuery(['r']))
    expect(plan).toContain('SEARCH trials USING INDEX sqlite_autoindex_trials_1 (run_id=?) LEFT-JOIN')
    for (const table of ['runs', 'models', 'projects'])
      expect(plan).toContain(`SEARCH ${table} USING PRIMARY KEY (id=?)`)
    expect(plan.join()).not.toContain('SCAN runs')
  })

  test.each([
    ['a project', { projectId: 'p' }, 'runs_by_project (project_id=?)'],
    ['a status', { statuses: ['running'] }, 'runs_by_status (status=?)'],
    ['a model', { modelId: 'm' }, 'runs_by_model (model_id=?)'],
    ['a data set', { datasetFingerprint: 'f' }, 'runs_by_dataset (dataset_fingerprint=?)'],
  ] as const)('the runs of %s searches its index and sorts nothing', (_, filter, index) => {
    const query = runQuery.parse(filter)
    expect(planOf(pageQuery(query))).toEqual([`SEARCH runs USING COVERING INDEX ${index}`, ...isNoTrial])
    expect(planOf(countQuery(query)).join()).toContain(`COVERING INDEX ${index}`)
  })

  test.each([
    ['events', eventsQuery('r', 3, 10), 'SEARCH events USING PRIMARY KEY (run_id=? AND seq>?)'],
    ['a curve', chainQuery('r'), 'SEARCH events USING PRIMARY KEY (run_id=?)'],
    ['events of a kind', markedQuery('r', 'notice'), 'SEARCH events USING PRIMARY KEY (run_id=?)'],
    ['whether an event is missing', eventCountQuery('r'), 'SEARCH events USING PRIMARY KEY (run_id=?)'],
    ['the end of the events', headQuery('r'), 'SEARCH events USING PRIMARY KEY (run_id=?)'],
    ['evaluations', evaluationsQuery('r'), 'SEARCH evaluations USING INDEX evaluations_by_run (run_id=?)'],
    ['comparisons', comparisonsQuery('r'), 'SEARCH comparisons USING INDEX comparisons_by_run (run_id=?)'],
    [
      'openings',
      openingsQuery('f'),
      'SEARCH test_set_openings USING INDEX openings_by_dataset (dataset_fingerprint=?)',
    ],
    ['trials', trialsQuery('s'), 'SEARCH trials USING PRIMARY KEY (study_id=?)'],
    ['artifacts', artifactsQuery('r'), 'SEARCH artifacts USING INDEX artifacts_by_run (run_id=?)'],
  ] as const)('%s searches its key', (_, query, expected) => {
    expect(planOf(query)).toEqual([expected])
  })
})

function planOf(query: Compilable<unknown>): string[] {
  const db = openForReading(path)
  try {
    const { sql, parameters } = query.compile()
    const rows = db.prepare<unknown[]>(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[]
    return rows.map((row) => row.detail)
  } finally {
    db.close()
  }
}
