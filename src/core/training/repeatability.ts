// What may be promised of repeating a run: what its backend does, or, where several computed parts of it, which.
import type { z } from 'zod'
import type { JournalReader } from '#journal/reader.ts'
import { count } from '#shared/fields.ts'
import { planBody, type RunDetail } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'

const mostAttempts = 100

const part = planBody.pick({ backend: true }).extend({ resumedAtStep: count })
type Part = z.output<typeof part>

/** Null while it has not begun. */
export function repeatabilityOf(
  reader: Pick<JournalReader, 'eventsOfKind'>,
  { id, attempts, determinism }: Pick<RunDetail, 'id' | 'attempts' | 'determinism'>,
): string | null {
  if (attempts < 2) return determinism
  const backends = new Set(lastingParts(reader, id).map(({ backend }) => backend))
  if (backends.size < 2) return determinism
  return `parts of it were computed on ${[...backends].join(' and on ')}; not bit for bit repeatable`
}

/** Steps that an attempt goes over again are no longer those of an earlier one. */
function lastingParts(reader: Pick<JournalReader, 'eventsOfKind'>, runId: string): readonly Part[] {
  const parts: Part[] = []
  for (const { body } of unwrap(reader.eventsOfKind(runId, 'plan', mostAttempts))) {
    const begun = part.safeParse(body)
    if (!begun.success) continue
    while (parts.length > 0 && parts.at(-1)!.resumedAtStep >= begun.data.resumedAtStep) parts.pop()
    parts.push(begun.data)
  }
  return parts
}
