// What a person left beside the runs of past-runs.ts: proofs of two of them, a search, and what came from what.
import type { Library } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { recordProof, recordStudy } from '../../core/experiments/recorded.ts'
import { pastRuns } from './past-runs.ts'

export const pastSearch = 'Night search'
const rows = 12

export async function addStories({ journalPath }: Library): Promise<void> {
  const reader = unwrap(openJournalReader(journalPath))
  const { runs } = unwrap(reader.listRuns({}))
  const idOf = (name: string): string => runs.find((run) => run.name === name)?.id ?? ''
  const steady = unwrap(reader.getRun(idOf(pastRuns.steady)))
  reader.close()
  let nowMs = Date.UTC(2025, 5, 16, 12)
  const writer = unwrap(openJournalWriter(journalPath, { now: () => (nowMs += 60_000) }))
  const { datasetFingerprint: fingerprint, recipe, projectId, backend, versions } = steady
  await recordProof(writer, { runId: steady.id, fingerprint, right: 11, rows })
  await recordProof(writer, { runId: idOf(pastRuns.wild), fingerprint, right: 4, rows })
  unwrap(writer.addLink({ runId: idOf(pastRuns.crashed), kind: 'retried-from', parent: steady.id }))
  recordStudy(writer, { projectId, recipe, backend, versions: { ...versions }, device: {}, name: pastSearch })
  unwrap(writer.close())
}
