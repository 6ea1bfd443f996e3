// Table rows as the values that leave this room.
import type { Selectable } from 'kysely'
import type { JournalArtifact, JournalDataset, JournalModel, JournalProject } from '#shared/journal-types.ts'
import { readJson } from './read-json.ts'
import type { JournalTables } from './tables.ts'

export const toProject = (row: Selectable<JournalTables['projects']>): JournalProject => ({
  id: row.id,
  name: row.name,
  scenario: row.scenario,
  goal: row.goal,
  createdAtMs: row.created_at_ms,
})

export const toModel = (row: Selectable<JournalTables['models']>): JournalModel => ({
  id: row.id,
  name: row.name,
  source: row.source,
  licence: row.licence,
  weightsSha256: row.weights_sha256,
  parameters: row.parameters,
  addedAtMs: row.added_at_ms,
})

export const toDataset = (row: Selectable<JournalTables['datasets']>): JournalDataset => ({
  fingerprint: row.fingerprint,
  scenario: row.scenario,
  sourceName: row.source_name,
  manifest: readJson(row.manifest) as JournalDataset['manifest'],
  counts: {
    train: row.train_rows,
    validation: row.validation_rows,
    test: row.test_rows,
    leftOut: row.left_out_rows,
  },
  addedAtMs: row.added_at_ms,
})

export const toArtifact = (row: Selectable<JournalTables['artifacts']>): JournalArtifact => ({
  id: row.id,
  runId: row.run_id,
  kind: row.kind,
  path: row.path,
  bytes: row.bytes,
  sha256: row.sha256,
  createdAtMs: row.created_at_ms,
  removedAtMs: row.removed_at_ms,
})

export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
