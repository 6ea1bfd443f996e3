// Whether a trial of a journal from elsewhere says what its run measured: its losses were taken from there, and a figure
// that was put in by hand must not be shown as true.
import type { Database } from 'better-sqlite3'
import { distrustWords } from '#shared/trial-words.ts'
import { type Row, rowsOf } from './import-rows.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import { eachOfKind } from './whole-events.ts'

/** The row itself, or, where its run did not measure it, the row without its losses. Of two attempts the later one counts. */
export function asItsRunSays(db: Database, row: Row): Row {
  if (row.run_id === null || row.loss_nats === null) return row
  const byStep = measuredLosses(db, String(row.run_id))
  if (byStep === 'damaged') return without(row, distrustWords.damaged)
  const losses = new Set(byStep.values())
  const rungs = readJson(String(row.rung_losses)) as readonly { readonly lossNats: number }[]
  const isTrue =
    byStep.get(row.loss_step) === row.loss_nats && rungs.every(({ lossNats }) => losses.has(lossNats))
  if (isTrue) return row
  return without(row, distrustWords.untrue)
}

const without = (row: Row, reason: string): Row => ({
  ...row,
  ...{ status: 'failed', loss_nats: null, loss_step: null, rung_losses: '[]', reason },
})

/** Validation losses by step; damaged where the run is not as it was written, and a measurement may be among what is not. */
function measuredLosses(db: Database, runId: string): ReadonlyMap<unknown, unknown> | 'damaged' {
  const byStep = new Map<unknown, unknown>()
  try {
    for (const { body } of eachOfKind(db, runId, 'evaluation')) {
      const { step, lossNats } = readJson(body) as Readonly<Record<string, unknown>>
      byStep.set(step, lossNats)
    }
  } catch (error) {
    if (error instanceof DamagedValueError) return 'damaged'
    throw error
  }
  return byStep
}

/** In a private copy of a journal: trials that say otherwise lose what they say. */
export function correctTrials(db: Database): void {
  const told = [...rowsOf(db, 'trials', 'loss_nats IS NOT NULL AND run_id IS NOT NULL', [])]
  const wrong = told.map((row) => asItsRunSays(db, row)).filter((row, at) => row !== told[at])
  if (wrong.length === 0) return
  // In a journal itself nothing changes an ended trial.
  const trigger = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'trials_end_once'").pluck().get()
  db.exec('DROP TRIGGER trials_end_once')
  const correct = db.prepare(
    `UPDATE trials SET status = ?, loss_nats = NULL, loss_step = NULL, rung_losses = '[]', reason = ?
      WHERE study_id = ? AND number = ?`,
  )
  for (const { status, reason, study_id: studyId, number } of wrong)
    correct.run(status, reason, studyId, number)
  db.exec(String(trigger))
}
