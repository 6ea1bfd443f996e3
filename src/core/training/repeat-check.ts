// Whether a run that repeats another one gave the same bits: every loss and gradient norm, every measurement, and the
// trained weights, as the journal has them; and what is not as it was. Reads, never changes; nothing is rounded.
import type { RepeatCheck } from '#shared/contract/index.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import { programWords } from './repeatability.ts'
import { settingsByPath } from './setting-paths.ts'

export interface CheckedRun {
  readonly run: RunDetail
  /** Code of the programs that computed it (`programsOf`). */
  readonly programs: readonly string[]
}

/** `found`: of both curves with every point; null while the repeat is under way. */
export function checkRepeat(original: CheckedRun, repeat: CheckedRun, found: Compared | null): RepeatCheck {
  const { id, name } = original.run
  const said = { originalId: id, originalName: name }
  const nothing = { firstDifferentStep: null, largestDifferenceNats: null, differences: [] }
  if (found === null)
    return { ...said, ...nothing, kind: 'running', sentence: 'It is compared when it has ended.' }
  const differences = differencesOf(original, repeat)
  const { firstDifferentStep, largestDifferenceNats } = found
  const facts = { ...said, firstDifferentStep, largestDifferenceNats, differences }
  const because = `${changedWords(differences, isCodeKnown(original, repeat))}${wentOnWords(original, repeat)}`
  if (firstDifferentStep !== null)
    return { ...facts, kind: 'different', sentence: `${apartSentence(found)}${because}.` }
  const gap = gapOf(original, repeat, found)
  if (gap !== null) return { ...facts, kind: 'cannot-tell', sentence: gap }
  if (found.isPartial)
    return {
      ...facts,
      kind: 'different',
      sentence: `Everything up to step ${found.lastStep} is the same to the last bit, but they did not end at the same step${because}.`,
    }
  if (original.run.adapterSha256 !== repeat.run.adapterSha256)
    return {
      ...facts,
      kind: 'different',
      sentence: `Every loss is the same to the last bit, but the trained weights are not${because}.`,
    }
  const weights = original.run.adapterSha256 === null ? '' : ', and the trained weights'
  return {
    ...facts,
    kind: 'same',
    sentence: `The same came out to the last bit: ${counted(found.steps, 'loss', 'losses')} with ${found.steps === 1 ? 'its gradient norm' : 'their gradient norms'}, ${counted(found.measurements, 'measurement', 'measurements')} on rows not seen${weights}${differences.length === 0 ? '' : `, although not everything is as it was (${differences.map(({ what }) => what).join(', ')})`}.`,
  }
}

export interface Compared {
  /** Steps and measurements that both have. */
  readonly steps: number
  readonly measurements: number
  /** One of them has points that the other lacks. */
  readonly isPartial: boolean
  readonly lastStep: number
  readonly firstDifferentStep: number | null
  readonly largestDifferenceNats: number | null
}

export function compareCurves(then: RunCurve, now: RunCurve): Compared {
  const steps = pairs(then.train, now.train)
  const measurements = pairs(then.validation, now.validation)
  const differing = [
    ...steps.filter(([a, b]) => !isSame(a.lossNats, b.lossNats) || !isSame(a.gradNorm, b.gradNorm)),
    ...measurements.filter(([a, b]) => !isSame(a.lossNats, b.lossNats)),
  ]
  const apart = differing.map(([a, b]) => Math.abs(a.lossNats - b.lossNats))
  const most = (lists: readonly { readonly length: number }[]): number =>
    lists.reduce((largest, { length }) => Math.max(largest, length), 0)
  return {
    steps: steps.length,
    measurements: measurements.length,
    isPartial:
      steps.length < most([then.train, now.train]) ||
      measurements.length < most([then.validation, now.validation]),
    lastStep: steps.at(-1)?.[0].step ?? 0,
    firstDifferentStep:
      differing.length === 0
        ? null
        : differing.reduce((first, [{ step }]) => Math.min(first, step), Number.POSITIVE_INFINITY),
    largestDifferenceNats:
      apart.length === 0 ? null : apart.reduce((largest, one) => Math.max(largest, one), 0),
  }
}

const isSame = (a: number, b: number): boolean => Object.is(a, b)

function pairs<P extends { readonly step: number }>(then: readonly P[], now: readonly P[]): [P, P][] {
  const byStep = new Map(then.map((point) => [point.step, point]))
  return now.flatMap((point): [P, P][] => {
    const before = byStep.get(point.step)
    return before === undefined ? [] : [[before, point]]
  })
}

/** It did all that it was to do: nothing made it end before. */
const isOver = ({ run }: CheckedRun): boolean => run.status === 'finished' && run.endReason !== 'pruned'

/** Why nothing can be said of the whole although nothing differs so far; null where it can. */
function gapOf(
  original: CheckedRun,
  repeat: CheckedRun,
  { steps, isPartial, lastStep }: Compared,
): string | null {
  if (steps === 0) return 'There are no steps that both have, so nothing can be compared.'
  const areAlike = isOver(original) === isOver(repeat)
  if (areAlike && (isOver(repeat) || !isPartial)) return null
  const ended = isOver(repeat)
    ? 'the run that it repeats did not come to its end'
    : 'it did not come to its end'
  return `Everything up to step ${lastStep} is the same to the last bit; of the rest nothing can be said, because ${ended}.`
}

function apartSentence({ firstDifferentStep, largestDifferenceNats }: Compared): string {
  const from = `It came out differently from step ${firstDifferentStep} on`
  // NaN where a loss was no number.
  return largestDifferenceNats === 0 || Number.isNaN(largestDifferenceNats)
    ? `${from}: gradient norms differ, the losses do not`
    : `${from}: losses are up to ${Number(largestDifferenceNats).toPrecision(2)} apart`
}

type Difference = RepeatCheck['differences'][number]

function changedWords(differences: readonly Difference[], isProgramKnown: boolean): string {
  const changed =
    differences.length === 0
      ? ', although nothing that is known of it changed'
      : `; what is not as it was: ${differences.map(({ what }) => what).join(', ')}`
  return isProgramKnown ? changed : `${changed}; whether the program itself is the same is not known`
}

/** Runs of before the program's own code was recorded do not say it. */
const isCodeKnown = (then: CheckedRun, now: CheckedRun): boolean =>
  then.programs.length > 0 && now.programs.length > 0

function wentOnWords(then: CheckedRun, now: CheckedRun): string {
  const which = [
    ...(then.programs.length > 1 ? ['the run that it repeats'] : []),
    ...(now.programs.length > 1 ? ['it'] : []),
  ]
  return which.map((one) => `; ${one} went on with another version of the program`).join('')
}

/** Where a plain word helps more than the path. */
const settingWords: Readonly<Record<string, string>> = {
  threads: 'threads',
  device: 'device',
  seed: 'seed',
  'model.weightsSha256': 'model',
  'data.fingerprint': 'rows',
  'before.fingerprint': 'texts of the first part',
}
const machineWords: Readonly<Record<string, string>> = {
  processor: 'processor',
  platform: 'operating system',
  physicalCores: 'processor cores',
}
const versionWords: Readonly<Record<string, string>> = {
  tunewright: 'Tunewright',
  code: 'the program itself',
  node: 'Node.js',
  v8: 'V8',
}

/** Settings, computer, versions and runtime of both, where they are not the same. */
function differencesOf(original: CheckedRun, repeat: CheckedRun): Difference[] {
  const [then, now] = [original.run, repeat.run]
  return [
    ...fields(then.recipe, now.recipe, (path) => settingWords[path] ?? path),
    ...fields(machineOf(then), machineOf(now), (path) => machineWords[path] ?? path),
    ...fields(
      versionsOf(original, repeat),
      versionsOf(repeat, original),
      (path) => versionWords[path] ?? path,
    ),
    ...fields({ backend: then.backend }, { backend: now.backend }, () => 'computed by'),
  ]
}

/** The code's hash in short, and only where both runs have it. */
function versionsOf(one: CheckedRun, other: CheckedRun): Record<string, string> {
  const { code: _code, ...versions } = one.run.versions
  return isCodeKnown(one, other) ? { ...versions, code: programWords(one.programs) } : versions
}

function machineOf({ device }: RunDetail): Record<string, unknown> {
  const known = (device ?? {}) as Record<string, unknown>
  return Object.fromEntries(Object.keys(machineWords).map((key) => [key, known[key] ?? null]))
}

function fields(then: unknown, now: unknown, nameOf: (path: string) => string): Difference[] {
  const before = settingsByPath(then)
  const after = settingsByPath(now)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [a, b] = [textOf(before.get(path)), textOf(after.get(path))]
    return a === b ? [] : [{ what: nameOf(path), before: a, now: b }]
  })
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? 'none' : JSON.stringify(value)

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`
