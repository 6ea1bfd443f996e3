// An expected time as a range, rounded to what an estimate can know.
import type { PlanOption } from '#shared/contract/training.ts'
import { formatAbout } from '../../format.ts'
import { t } from '../../words/index.ts'

/** "about 4 to 6 min"; one figure where both ends round to the same. */
export function formatRange({ lowSeconds, highSeconds }: PlanOption['estimate']): string {
  const low = formatAbout(lowSeconds * 1000)
  const high = formatAbout(highSeconds * 1000)
  if (low === high) return high
  const about = t('common.about', { amount: '' })
  const [lowAmount = '', lowUnit] = low.slice(about.length).split(' ')
  const highPlain = high.slice(about.length)
  const isSameUnit = highPlain.endsWith(` ${lowUnit}`)
  return t('wizard.plan.range', { low: isSameUnit ? lowAmount : `${lowAmount} ${lowUnit}`, high: highPlain })
}
