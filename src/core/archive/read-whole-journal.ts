// Reads a whole journal again in a process of its own: a large one takes minutes, and the core has runs to follow meanwhile.
import { journalCheckEvent } from '#shared/journal-check-protocol.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'
import { runChildJob } from '../proof/child-job.ts'
import type { Launcher } from '../system/launcher.ts'

/** Reading 370 MB again took a minute on two busy cores; it says nothing meanwhile. */
const silentLimitMs = 60 * 60_000

export type JournalFaults = NonNullable<Problem['faults']>

/** What is not as it was written, each by itself. Problems: journal.failed, and why the file cannot be opened at all. */
export async function readWholeJournal(
  launcher: Launcher,
  path: string,
  signal?: AbortSignal,
): Promise<Result<JournalFaults>> {
  let faults: JournalFaults = []
  const read = await runChildJob(launcher, {
    process: 'journal-check',
    job: { path },
    eventSchema: journalCheckEvent,
    onEvent: (event) => {
      if (event.kind === 'finished') faults = event.faults
    },
    silenceMs: silentLimitMs,
    ...(signal && { signal }),
    failure: {
      code: 'journal.failed',
      what: 'Reading the journal again',
      remedy: 'Close other programs and run the test again.',
    },
  })
  return read.ok ? ok(faults) : read
}
