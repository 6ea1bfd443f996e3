// The next trial's settings, as a pure function of what the study is and what came of its trials so far: the same request
// gives the same settings, on every computer and after every kill.
import type { StudiedSettings } from '#shared/study.ts'
import { type Axis, axesOf, keyOf } from './axes.ts'
import { nextOfGrid } from './grid.ts'
import type { SuggestRequest } from './observation.ts'
import { gridPoints, keysOf, pointAt } from './points.ts'
import { sobolAt } from './sobol.ts'
import { drawsOf, drawWhole } from './streams.ts'
import { drawBest, tpeModel } from './tpe.ts'

/** Draws before a point that was not tried is looked for among all of them. */
const mostTries = 200
/** Spaces of choices and whole numbers are listed up to so many points. */
const mostListed = 20_000

/** Settings inside the space that no trial had yet; null where none is left (a grid that is through, for example). */
export function suggest(request: SuggestRequest): StudiedSettings | null {
  const { space, sampler, seed, history, trials = null } = request
  const axes = axesOf(space)
  const tried = keysOf(history)
  if (sampler === 'grid') return nextOfGrid(axes, seed, tried, trials)
  const point = firstUntried(proposals(axes, request, tried), tried)
  return point ?? anyUntried(axes, request, tried)
}

function* proposals(
  axes: readonly Axis[],
  request: SuggestRequest,
  tried: ReadonlySet<string>,
): Generator<StudiedSettings> {
  const { sampler, seed, number } = request
  const model = sampler === 'tpe' ? tpeModel(axes, request) : null
  const draw = drawsOf(seed, `${sampler} ${number}`)
  if (model !== null) {
    const best = drawBest(axes, model, draw, (settings) => tried.has(keyOf(settings)))
    if (best !== null) yield best
  } else if (sampler !== 'random') yield pointAt(axes, (axis) => sobolAt(seed, number, axis))
  for (let round = 0; round < mostTries; round += 1) yield pointAt(axes, draw)
}

function firstUntried(points: Iterable<StudiedSettings>, tried: ReadonlySet<string>): StudiedSettings | null {
  for (const point of points) if (!tried.has(keyOf(point))) return point
  return null
}

/** Nearly everything was tried: one of what is left, where the space can be listed. */
function anyUntried(
  axes: readonly Axis[],
  { seed, number }: SuggestRequest,
  tried: ReadonlySet<string>,
): StudiedSettings | null {
  if (axes.some(({ cells }) => cells === null || cells > mostListed)) return null
  const levels = axes.map(({ cells }) => cells ?? 1)
  const left = [...gridPoints(axes, levels, mostListed)].filter((point) => !tried.has(keyOf(point)))
  return left[drawWhole(drawsOf(seed, `rest ${number}`), left.length)] ?? null
}
