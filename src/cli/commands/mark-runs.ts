// runs rate | pin | archive | note | tag: what a person says of a run, as on the screen of experiments.
import type { RunMarks } from '#shared/journal-commands.ts'
import { type Result, unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'

/** Stars from 1 to 5, null takes them away; what is left out stays. */
export function markRun(application: Application, runId: string, marks: RunMarks): void {
  change(application, runId, () => application.writer().markRun(runId, marks))
}

/** In place of what was noted before; an empty text takes it away. */
export function noteRun(application: Application, runId: string, note: string): void {
  change(application, runId, () => application.writer().setNotes(runId, note))
}

/** In place of the tags it had; none takes them all away. */
export function tagRun(application: Application, runId: string, tags: readonly string[]): void {
  change(application, runId, () => application.writer().setTags(runId, [...tags]))
}

function change({ output, reader }: Application, runId: string, write: () => Result<unknown>): void {
  unwrap(write())
  const run = unwrap(reader().getRun(runId))
  const { rating, isPinned, isArchived, tags, notes } = run
  const marks = [
    rating === null ? 'no stars' : `${rating} ${rating === 1 ? 'star' : 'stars'}`,
    ...(isPinned ? ['pinned'] : []),
    ...(isArchived ? ['archived'] : []),
    ...(tags.length > 0 ? [`tags: ${tags.join(', ')}`] : []),
  ]
  output.line(`${run.name} (${runId}): ${marks.join('; ')}`)
  if (notes !== '') output.line(`note: ${notes}`)
  output.result({ runId, rating, isPinned, isArchived, tags, notes })
}
