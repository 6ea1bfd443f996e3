// From places on axes to settings: what is inactive is left out, so that no two points differ only in what does not count.
import type { StudiedSettings, StudiedValue } from '#shared/study.ts'
import { type Axis, isActive, keyOf } from './axes.ts'

/** Settings at the places that `placeAt` gives, axis by axis; it is not asked for axes that do not count. */
export function pointAt(axes: readonly Axis[], placeAt: (axis: number) => number): StudiedSettings {
  const settings: Record<string, StudiedValue> = {}
  axes.forEach((axis, index) => {
    if (isActive(axis.dimension, settings)) settings[axis.dimension.path] = axis.valueAt(placeAt(index))
  })
  return settings
}

/**
 * Every point with so many levels on each axis of numbers and all values of a choice, inactive axes left out, the last
 * axis moving fastest; ends after `most` of them. Levels go from end to end; as many as there are whole numbers are all.
 */
export function* gridPoints(
  axes: readonly Axis[],
  levels: readonly number[],
  most: number,
): Generator<StudiedSettings> {
  const values = axes.map((axis, index) => levelValues(axis, levels[index]!))
  let given = 0
  function* below(depth: number, settings: StudiedSettings): Generator<StudiedSettings> {
    if (depth === axes.length) {
      given += 1
      yield settings
      return
    }
    const { dimension } = axes[depth]!
    if (!isActive(dimension, settings)) {
      yield* below(depth + 1, settings)
      return
    }
    for (const value of values[depth]!) {
      if (given >= most) return
      yield* below(depth + 1, { ...settings, [dimension.path]: value })
    }
  }
  yield* below(0, {})
}

function levelValues(axis: Axis, count: number): StudiedValue[] {
  const { dimension } = axis
  if (axis.isFixed) return [axis.valueAt(0)]
  if (dimension.kind === 'choice') return [...dimension.values]
  if (dimension.kind === 'whole' && count === axis.cells)
    return Array.from({ length: count }, (_, step) => dimension.low + step)
  const places = Array.from({ length: count }, (_, level) => (count === 1 ? 0.5 : level / (count - 1)))
  return [...new Set(places.map((at) => axis.valueAt(at)))]
}

/** Points as they were tried, by their key. */
export const keysOf = (points: Iterable<{ readonly settings: StudiedSettings }>): ReadonlySet<string> => {
  const keys = new Set<string>()
  for (const { settings } of points) keys.add(keyOf(settings))
  return keys
}
