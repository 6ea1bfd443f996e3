// Projects and runs that a person removed: hidden from every list, kept with all that was measured. Every index of runs
// carries the mark, so that a list without removed runs still reads nothing but an index.
import type { Migration } from './migration.ts'

const runIndexes: readonly (readonly [name: string, columns: string])[] = [
  ['runs_by_created', 'created_at_ms, id'],
  ['runs_by_project', 'project_id, created_at_ms, id'],
  ['runs_by_status', 'status, created_at_ms, id'],
  ['runs_by_model', 'model_id, created_at_ms, id'],
  ['runs_by_dataset', 'dataset_fingerprint, created_at_ms, id'],
  ['runs_by_started', 'started_at_ms, id'],
  ['runs_by_ended', 'ended_at_ms, id'],
  ['runs_by_name', 'name, id'],
  ['runs_by_best_loss', 'best_loss_nats, id'],
]

export const removals: Migration = {
  version: 6,
  name: 'removals',
  statements: [
    'ALTER TABLE projects ADD COLUMN removed_at_ms INTEGER CHECK (removed_at_ms >= 0)',
    'ALTER TABLE runs ADD COLUMN removed_at_ms INTEGER CHECK (removed_at_ms >= 0)',
    ...runIndexes.flatMap(([name, columns]) => [
      `DROP INDEX ${name}`,
      `CREATE INDEX ${name} ON runs (${columns}, removed_at_ms)`,
    ]),
  ],
}
