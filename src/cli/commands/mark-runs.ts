// runs rate | pin | archive | note | tag: what a person says of a run, as on the screen of experiments.
import type { RunMarks } from '#shared/journal-commands.ts'
import { ProblemError, type Result, unwrap } from '#shared/result.ts'
import { type TooMuch, tooMuchIn, type WrittenWords } from '#shared/word-limits.ts'
import type { Application } from '../application.ts'

/** Stars from 1 to 5, null takes them away; what is left out stays. */
export function markRun(application: Application, runId: string, marks: RunMarks): void {
  change(application, runId, () => application.writer().markRun(runId, marks))
}

/** In place of what was noted before; an empty text takes it away. */
export function noteRun(application: Application, runId: string, note: string): void {
  requireShort({ notes: note })
  change(application, runId, () => application.writer().setNotes(runId, note))
}

/** In place of the tags it had; none takes them all away. */
export function tagRun(application: Application, runId: string, tags: readonly string[]): void {
  const filled = tags.map((tag) => tag.trim()).filter((tag) => tag !== '')
  requireShort({ tags: filled })
  change(application, runId, () => application.writer().setTags(runId, filled))
}

const sentences: Readonly<Record<TooMuch['what'], (found: TooMuch) => string>> = {
  name: ({ most, count }) => `A name has at most ${most} characters, and this one has ${count}.`,
  tag: ({ most, count, beginning }) =>
    `A tag has at most ${most} characters, and "${beginning}…" has ${count}.`,
  tags: ({ most, count }) => `A run has at most ${most} tags, and these are ${count}.`,
  notes: ({ most, count }) => `A note has at most ${most} characters, and this one has ${count}.`,
}

/** Throws a ProblemError (`usage.invalid`) for what the journal would not keep. */
function requireShort(words: WrittenWords): void {
  const found = tooMuchIn(words)
  if (found === null) return
  throw new ProblemError({
    code: 'usage.invalid',
    message: sentences[found.what](found),
    where: found.what,
    remedy: found.what === 'tags' ? 'Take some away.' : 'Shorten it.',
  })
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
