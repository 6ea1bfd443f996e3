// A fault of the page's own, as the Problem that a person reads.
import type { Problem } from '#shared/result.ts'
import { t } from './words/index.ts'

export const faultProblem = (error: unknown): Problem => ({
  code: 'internal.fault',
  message: t('frame.screenFailed.title'),
  where: window.location.hash.slice(1) || '/',
  remedy: t('frame.screenFailed.text'),
  details: error instanceof Error ? (error.stack ?? error.message) : String(error),
})
