// Which settings matter, for a program that has other calls to answer: reckoned in slices that give way to them, one study
// after the other, and kept until another trial ends. What is not ready says so, or is that of the trials before.
import type { StudyView } from '#shared/contract/studies.ts'
import { detailsOf } from '#shared/result.ts'
import { type ImportanceRequest, importanceOf, importanceSteps } from './search/index.ts'

type Reading = StudyView['importance']

export interface ImportanceQuestion {
  readonly studyId: string
  /** The study of which journal: an earlier answer under the same key stands in for one that is not ready. */
  readonly key: string
  /** Another one where the answer may be another. */
  readonly state: string
  readonly request: ImportanceRequest
}
export type ImportanceFor = (question: ImportanceQuestion) => Reading

/** For a program that has nothing else to do. */
export const importanceAtOnce: ImportanceFor = ({ request }) => importanceOf(request)

/** Trials times settings that are reckoned within the call: some tens of milliseconds. */
const mostAtOnce = 60
const sliceMs = 10
const mostKept = 20

/** Into the log of the process. */
const warnOf = (error: unknown): void =>
  process.emitWarning(`What mattered in a search could not be worked out: ${detailsOf(error)}`)

/** `tell`: what was not ready is. `warn`: of one that could not be worked out; it is not tried again before another trial ends. */
export function createKeptImportance(
  tell: (studyId: string) => void,
  warn: (error: unknown) => void = warnOf,
): ImportanceFor {
  const kept = new Map<string, { readonly state: string; readonly reading: Reading }>()
  /** Of each study what was asked last. */
  const waiting = new Map<string, ImportanceQuestion>()
  let underWay: ImportanceQuestion | null = null

  function keep({ key, state }: ImportanceQuestion, reading: Reading): Reading {
    kept.delete(key)
    kept.set(key, { state, reading })
    for (const oldest of [...kept.keys()].slice(0, -mostKept)) kept.delete(oldest)
    return reading
  }

  async function work(): Promise<void> {
    try {
      for (const [key, question] of waiting) {
        waiting.delete(key)
        underWay = question
        keep(question, await readingOf(question))
        tell(question.studyId)
      }
    } finally {
      underWay = null
    }
  }

  async function readingOf({ key, request }: ImportanceQuestion): Promise<Reading> {
    try {
      return await inSlices(request)
    } catch (error) {
      warn(error)
      return kept.get(key)?.reading ?? withoutFigures(request, notPossible)
    }
  }

  return (question) => {
    const { key, state, request } = question
    const known = kept.get(key)
    if (known?.state === state) return known.reading
    if (request.observations.length * request.space.length <= mostAtOnce)
      return keep(question, importanceOf(request))
    const isUnderWay = underWay?.key === key && underWay.state === state
    if (!isUnderWay) waiting.set(key, question)
    if (underWay === null) work().catch(warn)
    return known?.reading ?? withoutFigures(request, notReady)
  }
}

async function inSlices(request: ImportanceRequest): Promise<Reading> {
  const steps = importanceSteps(request)
  for (;;) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    const untilMs = performance.now() + sliceMs
    do {
      const { done, value } = steps.next()
      if (done) return value
    } while (performance.now() < untilMs)
  }
}

export const notReady = 'It is being worked out from all trials, and comes by itself in a moment.'
export const notPossible = 'It could not be worked out. It is tried again when another trial has ended.'

/** Of too few trials it is worked out too: then nothing is known to be noise. */
export const isWorkedOut = ({ cannotTell }: Reading): boolean =>
  cannotTell !== notReady && cannotTell !== notPossible

const withoutFigures = ({ seedNoise, observations }: ImportanceRequest, cannotTell: string): Reading => ({
  settings: [],
  seedNoise,
  trials: observations.filter(({ status }) => status === 'complete' || status === 'pruned').length,
  cannotTell,
})
