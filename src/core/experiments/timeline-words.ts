// The sentences of the timeline: what came of a run, and how it stands against the one before it. Better or worse is said
// with an interval or not at all. Pure.
import type { RunDetail } from '#shared/journal-types.ts'
import { metricFacts } from '#shared/metrics.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'
import { sayChangeSize, sayNumber } from '../proof/verdict.ts'
import type { ProofDifference } from './compare-proofs.ts'

/** What is known of a run for its sentences. */
export interface RunOutcome {
  readonly run: Pick<
    RunDetail,
    | 'status'
    | 'endReason'
    | 'lastStep'
    | 'totalSteps'
    | 'bestStep'
    | 'bestLossNats'
    | 'failure'
    | 'adapterSha256'
  >
  readonly proof: ProofSummary | null
  readonly against: Against | null
}

/** The run it is set against. */
export interface Against {
  readonly name: string
  /** It says of itself that it repeats that run. */
  readonly isRepeat: boolean
  readonly adapterSha256: string | null
  readonly isProved: boolean
  /** null where the two proofs do not compare, or one is missing. */
  readonly difference: ProofDifference | null
}

export function learnedSentences(outcome: RunOutcome): string[] {
  const { run, proof, against } = outcome
  return [
    courseSentence(run),
    proof === null ? lossSentence(run) : proof.verdict.sentence,
    against && repeatSentence(run, against),
    against && proof && againstSentence(against),
  ].filter((sentence) => sentence !== null)
}

const stepWords = ({ lastStep, totalSteps }: RunOutcome['run']): string => {
  if (lastStep === null) return 'before its first step'
  return totalSteps === null || totalSteps === lastStep
    ? `at step ${lastStep}`
    : `at step ${lastStep} of ${totalSteps}`
}

/** How it ended, where that is no matter of course. */
function courseSentence(run: RunOutcome['run']): string | null {
  switch (run.status) {
    case 'queued':
      return 'It waits for its turn.'
    case 'running':
      return 'It is still learning.'
    case 'paused':
      return `It is paused ${stepWords(run)}.`
    case 'cancelled':
      return `It was stopped ${stepWords(run)}.`
    case 'interrupted':
      return `It was interrupted ${stepWords(run)}.`
    case 'failed':
    case 'crashed':
      return [`It broke off ${stepWords(run)}.`, run.failure?.message].filter(Boolean).join(' ')
    case 'finished':
      return endSentence(run)
  }
}

function endSentence(run: RunOutcome['run']): string | null {
  if (run.endReason === 'stopped-early')
    return `It ended by itself ${stepWords(run)}, because its loss on rows not seen no longer fell (early stopping).`
  return run.endReason === 'pruned'
    ? `The search gave it up ${stepWords(run)}, because others were better there (pruned).`
    : null
}

/** Without a proof there is a loss, and no claim. */
function lossSentence({ bestLossNats, bestStep }: RunOutcome['run']): string | null {
  if (bestLossNats === null) return null
  const at = bestStep === null ? '' : `, at step ${bestStep}`
  return `Its lowest loss on rows not seen was ${bestLossNats.toFixed(2)}${at}. It was not measured on the locked rows, so this says nothing about better or worse.`
}

function repeatSentence({ adapterSha256 }: RunOutcome['run'], against: Against): string | null {
  if (!against.isRepeat || adapterSha256 === null || against.adapterSha256 === null) return null
  return adapterSha256 === against.adapterSha256
    ? `It came to the same bits as “${against.name}”.`
    : `It did not come to the same bits as “${against.name}”.`
}

function againstSentence({ name, isProved, difference }: Against): string | null {
  if (!isProved) return null
  if (difference === null)
    return `It cannot be set against “${name}”: the locked rows, or what decides, are not the same.`
  const { kind, rows } = difference
  const start = `Against “${name}” on the same ${rows} locked rows`
  const found = {
    better: 'it is better',
    worse: 'it is worse',
    'no-measurable-difference': 'there is no measurable difference',
  }[kind]
  return `${start} ${found}: ${differenceWords(difference)}.`
}

function differenceWords({ kind, metric, difference }: ProofDifference): string {
  const { title } = metricFacts[metric]
  if (difference === null)
    return `the 95 % intervals of ${title} ${kind === 'no-measurable-difference' ? 'meet' : 'do not meet'}`
  const { value, low, high } = difference
  const signed = (change: number): string => `${change < 0 ? '−' : '+'}${sayNumber(metric, Math.abs(change))}`
  const size = `${value < 0 ? '−' : '+'}${sayChangeSize(metric, Math.abs(value))}`
  return `${title} ${size} (95 % interval ${signed(low)} to ${signed(high)})`
}
