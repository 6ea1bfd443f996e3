// The gate before every command and question: input is checked by its schema, and the first fault is named with its place.
import { describeIssue } from '#shared/recipe.ts'
import { refuse } from './problems.ts'

/** A zod schema, by the one thing that is used of it. */
interface Schema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: Parameters<typeof describeIssue>[0] }
}

/** The checked value; throws journal.invalid with the path of the first fault. */
export function checkInput<T>(schema: Schema<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = describeIssue(parsed.error)
  const where = parsed.error.issues[0]?.path.length ? `${what}, at ${issue.where}` : what
  refuse(
    'journal.invalid',
    `The journal cannot keep this: ${issue.message}.`,
    where,
    'This is a fault of the program that called; please report it.',
  )
}
