// What the plans say of themselves. Where only a new last layer learns they take much the same time, because what takes it
// is reading the rows once: they then say in what they differ. Pure but for the words.
import type { StudyCard } from '#shared/contract/studies.ts'
import type { PlanOption } from '#shared/contract/training.ts'
import { t } from '../../words/index.ts'
import { trialName } from '../studies/study-story.ts'
import { isSameValue } from './recipe-form.ts'

type Plan = Pick<PlanOption, 'preset' | 'values'>

const isOfLayer = ({ values }: Plan): boolean => values['method.kind'] === 'head'

/** What a plan is for. Where steps are limited, passes may never be made, so the limit is said in their place. */
export function aboutPlan(plan: Plan): string {
  const passes = plan.values['duration.epochs']
  const limit = plan.values['duration.maxSteps']
  const about = t(`wizard.plan.presets.${plan.preset}.about`)
  if (typeof limit === 'number') return `${about} ${t('wizard.plan.stepLimit', { count: limit })}`
  if (!isOfLayer(plan) || typeof passes !== 'number') return about
  return t(`wizard.plan.ofLayer.${plan.preset}`, { count: passes })
}

/** The sentence below the heading. */
export const aboutPlans = (plans: readonly Plan[]): string =>
  plans.length > 0 && plans.every((plan) => isOfLayer(plan) && plan.values.reuseFrozenLayers === true)
    ? t('wizard.plan.sentenceLayer')
    : t('wizard.plan.sentence')

/** "2 settings differ from “Balanced”". */
export const changesWord = ({ preset, count }: Pick<Plan, 'preset'> & { readonly count: number }): string =>
  t('wizard.plan.changed', { count, plan: t(`wizard.plan.presets.${preset}.title`) })

/** The search whose best trial a plan has all settings of, where it differs from its preset in one of them; null for none. */
export function searchBehind(
  studies: readonly StudyCard[],
  { values, changes }: Pick<PlanOption, 'values' | 'changes'>,
): { readonly studyId: string; readonly text: string } | null {
  for (const { id, name, best } of studies) {
    if (best === null) continue
    const found = Object.entries(best.settings)
    const isFollowed = found.every(([path, value]) => isSameValue(values[path], value))
    if (!isFollowed || !found.some(([path]) => Object.hasOwn(changes, path))) continue
    const trial = trialName(best.number).toLowerCase()
    // The lowest of many is lower by luck too, until other seeds say the same.
    const key = best.mean === null ? 'wizard.plan.fromSearchUnchecked' : 'wizard.plan.fromSearch'
    return { studyId: id, text: t(key, { name, trial }) }
  }
  return null
}
