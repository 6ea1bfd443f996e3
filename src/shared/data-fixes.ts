// Repairs of rows that a person can choose; a recipe, a project's draft and a data set's manifest name them.
import { z } from 'zod'

export const fixIds = [
  'keep-one-of-repeats',
  'keep-one-of-near-repeats',
  'merge-label-spellings',
  'drop-contradictions',
  'mask-personal-data',
  'drop-damaged',
] as const
export const fixId = z.enum(fixIds)
export type FixId = z.output<typeof fixId>
