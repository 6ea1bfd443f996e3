// The button that makes a trial the plan: the first thing to do where it was trained again with enough other seeds; else it
// says that it was not, for the lowest of many is lower by luck too. Pure but for the words.
import type { StudyView } from '#shared/contract/studies.ts'
import { t } from '../../words/index.ts'
import { isLiving } from './study-story.ts'

export function adoptButton({ study }: Pick<StudyView, 'study'>): {
  readonly text: string
  readonly isFirst: boolean
} {
  const isChecked = study.best !== null && study.best.mean !== null
  return {
    text: t(isChecked ? 'studies.adopt' : 'studies.adoptUnchecked'),
    isFirst: isChecked && !isLiving(study),
  }
}
