// What may be promised of repeating a run: what its backend does, or, where several backends or several versions of the
// program computed parts of it, or copies of resting layers are read, that.
import type { z } from 'zod'
import type { JournalReader } from '#journal/reader.ts'
import { count, sha256Hex } from '#shared/fields.ts'
import { planBody, type RunDetail } from '#shared/journal-types.ts'
import { promiseFor } from '#shared/kept-copies.ts'
import { unwrap } from '#shared/result.ts'
import { shortCode } from '../system/code-fingerprint.ts'

type PlanReader = Pick<JournalReader, 'eventsOfKind'>

const mostAttempts = 100

const part = planBody
  .pick({ backend: true })
  .extend({ resumedAtStep: count, code: sha256Hex.optional().catch(undefined) })
type Part = z.output<typeof part>

/** Null while it has not begun. */
export function repeatabilityOf(
  reader: PlanReader,
  run: Pick<RunDetail, 'id' | 'attempts' | 'determinism' | 'versions' | 'recipe'>,
): string | null {
  if (run.attempts < 2) return promiseFor(run.recipe, run.determinism)
  const parts = lastingParts(reader, run)
  const backends = [...new Set(parts.map(({ backend }) => backend))]
  const programs = codesOf(parts)
  if (backends.length > 1)
    return `parts of it were computed on ${backends.join(' and on ')}; not bit for bit repeatable`
  if (programs.length > 1 && programs.includes(unknownCode))
    return `parts of it were computed by a program whose code is not known (code ${programWords(programs)}); the same bits cannot be promised`
  if (programs.length > 1)
    return `it went on with another version of the program (code ${programWords(programs)}); the same bits cannot be promised`
  return promiseFor(run.recipe, run.determinism)
}

/** The code of the programs that computed what stands of it, in their order; empty where that of a part is not known. */
export function programsOf(reader: PlanReader, run: Pick<RunDetail, 'id' | 'versions'>): readonly string[] {
  const codes = codesOf(lastingParts(reader, run))
  if (codes.includes(unknownCode)) return []
  return codes.length > 0 || run.versions.code === undefined ? codes : [run.versions.code]
}

export const programWords = (programs: readonly string[]): string => programs.map(shortCode).join(', then ')

/** Of a part that was computed before its program's code was noted. */
const unknownCode = 'unknown'

const codesOf = (parts: readonly Part[]): string[] => [
  ...new Set(parts.map(({ code }) => code ?? unknownCode)),
]

/** Steps that an attempt goes over again are no longer those of an earlier one. */
function lastingParts(
  reader: PlanReader,
  { id, versions }: Pick<RunDetail, 'id' | 'versions'>,
): readonly Part[] {
  const parts: Part[] = []
  for (const { attempt, body } of unwrap(reader.eventsOfKind(id, 'plan', mostAttempts))) {
    const begun = part.safeParse(body)
    if (!begun.success) continue
    while (parts.length > 0 && parts.at(-1)!.resumedAtStep >= begun.data.resumedAtStep) parts.pop()
    parts.push({ ...begun.data, code: begun.data.code ?? codeOfCreation(attempt, versions) })
  }
  return parts
}

/** Attempts of before their code was noted: the first one is of the program that made the run. */
const codeOfCreation = (attempt: number, { code }: RunDetail['versions']): string | undefined =>
  attempt === 1 ? code : undefined
