// Problems of studies, in words.
import { type Problem, ProblemError } from '#shared/result.ts'
import { type JournalStudy, livingStudies, type StudyStatus, type StudyTrial } from '#shared/study.ts'

const endWords: Readonly<Partial<Record<StudyStatus, string>>> = {
  finished: 'This search came to its end.',
  stopped: 'This search was stopped for good.',
  failed: 'This search failed.',
}

/** Of a search that nobody works on any more: it can be neither paused nor, but for one that failed, gone on with. */
export const atItsEnd = ({ id, status }: Pick<JournalStudy, 'id' | 'status'>): Problem => ({
  code: 'run.not-resumable',
  message: endWords[status] ?? `This search is ${status}.`,
  where: `search ${id}`,
  remedy:
    status === 'failed'
      ? `What it found stays. Go on with it on its screen, or with: tunewright studies resume ${id}`
      : 'What it found stays. Start a new search: it begins from what this one found.',
})

/** Throws ProblemError (`run.active`) while it goes on by itself. */
export function requireStudyAtRest({ id, status }: Pick<JournalStudy, 'id' | 'status'>): void {
  if (!livingStudies.includes(status)) return
  throw new ProblemError({
    code: 'run.active',
    message: status === 'paused' ? 'This search is paused.' : 'This search is under way.',
    where: `search ${id}`,
    remedy: 'Stop it first; what it found stays until you remove it.',
  })
}

/** Throws ProblemError where the study has no such trial. */
export function requireTrial(trials: readonly StudyTrial[], number: number): StudyTrial {
  const trial = trials.find((one) => one.number === number)
  if (trial !== undefined) return trial
  throw new ProblemError({
    code: 'run.unknown',
    message: 'This search has no such trial.',
    where: `trial ${number + 1}`,
    remedy: 'Choose one from its table.',
  })
}
