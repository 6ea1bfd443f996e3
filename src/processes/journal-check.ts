// Entry point of the process that reads a whole journal again. On a large one that takes minutes without a pause, in which
// the core could answer nobody.
import { basename } from 'node:path'
import { openJournalReader } from '#journal/reader.ts'
import {
  type JournalCheckEvent,
  type JournalCheckJob,
  journalCheckCommand,
} from '#shared/journal-check-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { serveJob } from './serve-job.ts'

serveJob<JournalCheckJob, JournalCheckEvent>(
  journalCheckCommand,
  'journal.failed',
  async ({ path }, { emit }) => {
    const reader = unwrap(openJournalReader(path))
    const { damage, brokenRuns, changedMeasurements } = unwrap(reader.verifyAll())
    reader.close()
    await emit({
      kind: 'finished',
      faults: [
        ...damage.map((message) => ({ where: basename(path), message })),
        ...brokenRuns.map(({ runId, firstBadSeq, reason }) => ({
          where: `run ${runId}`,
          message: `from entry ${firstBadSeq} on it is not what was written (${reason})`,
        })),
        ...changedMeasurements.map((id) => ({ where: `measurement ${id}`, message: 'it was changed later' })),
      ],
    })
  },
)
