// How runs are measured is no setting that a person tried where a search decides it. Pure.

interface Setting {
  readonly path: string
  /** One for each run. */
  readonly values: readonly unknown[]
  readonly isDifferent: boolean
}

const isOfMeasuring = (path: string): boolean => /^(evaluation|checkpoints)\./.test(path)

/**
 * Settings that differ, without those that differ only because a search measures its trials at set shares of their steps;
 * `isMeasuredOtherwise` where there are such. What differs between runs that are measured at the same shares stays.
 */
export function settingsTried<T extends Setting>(
  settings: readonly T[],
): { readonly tried: readonly T[]; readonly isMeasuredOtherwise: boolean } {
  const different = settings.filter(({ isDifferent }) => isDifferent)
  const shares = different.find(({ path }) => path === 'evaluation.atShares')
  if (shares === undefined) return { tried: different, isMeasuredOtherwise: false }
  const ways = shares.values.map((value) => JSON.stringify(value))
  const isOfSearch = ({ path, values }: T): boolean => {
    const byWay = new Set(values.map((value, at) => `${ways[at]} ${JSON.stringify(value)}`))
    return isOfMeasuring(path) && byWay.size === new Set(ways).size
  }
  return { tried: different.filter((setting) => !isOfSearch(setting)), isMeasuredOtherwise: true }
}
