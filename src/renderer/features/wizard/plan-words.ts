// What the plans say of themselves. Where only a new last layer learns they take much the same time, because what takes it
// is reading the rows once: they then say in what they differ. Pure but for the words.
import type { PlanOption } from '#shared/contract/training.ts'
import { t } from '../../words/index.ts'

type Plan = Pick<PlanOption, 'preset' | 'values'>

const isOfLayer = ({ values }: Plan): boolean => values['method.kind'] === 'head'

/** What a plan is for. */
export function aboutPlan(plan: Plan): string {
  const passes = plan.values['duration.epochs']
  if (!isOfLayer(plan) || typeof passes !== 'number') return t(`wizard.plan.presets.${plan.preset}.about`)
  return t(`wizard.plan.ofLayer.${plan.preset}`, { count: passes })
}

/** The sentence below the heading. */
export const aboutPlans = (plans: readonly Plan[]): string =>
  plans.length > 0 && plans.every((plan) => isOfLayer(plan) && plan.values.reuseFrozenLayers === true)
    ? t('wizard.plan.sentenceLayer')
    : t('wizard.plan.sentence')
