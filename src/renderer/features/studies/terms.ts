// Which words of a search are explained where.
import type { studies } from '../../words/en/studies.ts'

export type TermName = keyof typeof studies.terms.of

/** Before one begins, and of one that is read. */
export const planTerms = ['loss', 'seed', 'tpe', 'sobol', 'asha'] as const satisfies readonly TermName[]
export const resultTerms = [...planTerms, 'fanova', 'pareto'] as const satisfies readonly TermName[]
