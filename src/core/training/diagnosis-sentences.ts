// The words of each finding about a run: what it is, the reason with its numbers, what helps.
import type { Diagnosis } from '#shared/contract/index.ts'
import { formatLoss } from '#shared/loss-words.ts'
import type { DiagnosedPlan, Finding, FindingKind } from './finding.ts'

interface Context {
  readonly plan: DiagnosedPlan
  readonly isOver: boolean
  /** On rows not seen; null where none was measured. */
  readonly lowest: { readonly step: number; readonly lossNats: number } | null
}
type Words = Omit<Diagnosis, 'kind' | 'step'>

export function sentenceOf(finding: Finding, context: Context): Words {
  const write = writers[finding.kind] as (finding: Finding, context: Context) => Words
  return write(finding, context)
}

const writers: { readonly [K in FindingKind]: (finding: Finding<K>, context: Context) => Words } = {
  'too-early': (_, { isOver }) =>
    isOver
      ? {
          severity: 'note',
          sentence: 'This run was too short to say how it learned.',
          reason: 'It ended after a few steps, before its course could be seen.',
          help: 'Train for more passes over the rows, or bring more rows.',
        }
      : {
          severity: 'note',
          sentence: 'It is too early to say how it goes.',
          reason: 'The strength of learning is still rising, or too little has been measured.',
          help: 'Wait for a few more steps.',
        },
  'still-learning': (finding, context) => {
    const { isFalling } = finding
    const { isOver } = context
    const course = courseOf(finding, context)
    if (isFalling)
      return {
        severity: isOver ? 'note' : 'good',
        sentence: isOver ? 'It was still learning when it ended.' : 'It is still learning.',
        reason: `${course}, and ${isOver ? 'was' : 'is'} still falling.`,
        help: isOver ? 'More passes over the rows would probably make it better.' : 'Let it go on.',
      }
    return {
      severity: 'note',
      sentence: isOver ? 'It learned, and hardly moved at its end.' : 'It learned, and hardly moves now.',
      reason: `${course}, and ${isOver ? 'hardly changed' : 'has hardly changed of late'}.`,
      help: isOver
        ? 'More passes over the rows may make it better: towards its end a run takes smaller and smaller steps.'
        : 'Let it go on: the next checks show whether more is to come.',
    }
  },
  converged: (finding, context) =>
    finding.chance !== null
      ? {
          severity: 'warning',
          sentence: 'It no longer gets better, and cannot tell your labels apart yet.',
          reason: `Its loss of ${formatLoss(finding.to)} hardly changes any more. Guessing one of the labels at random would already give ${formatLoss(finding.chance)}.`,
          help: 'Look whether a person could tell the label from the text alone. Then bring more rows, or let it learn more strongly (a higher learning rate).',
        }
      : {
          severity: 'good',
          sentence: 'It has learned what it can from these rows.',
          reason: `${courseOf(finding, context)}, and hardly changes any more.`,
          help: context.isOver
            ? 'More passes would bring little. More or more varied rows may bring more.'
            : 'You can stop now and keep the best version: going on brings little.',
        },
  memorising: ({ step, best, now, trainFrom, trainTo }, { plan, isOver }) => ({
    severity: 'warning',
    sentence:
      step === 0
        ? 'It learns its rows by heart, and gets no better on others.'
        : `It began to memorise at step ${ofRun(plan, step)}.`,
    reason: `On rows it has not seen its loss went from ${formatLoss(best)} to ${formatLoss(now)} and was never lower since${trainTo < trainFrom ? `, while on its training rows it still fell, from ${formatLoss(trainFrom)} to ${formatLoss(trainTo)}` : ''}.`,
    help: `${keptWords(plan, step)} ${isOver ? '' : 'You can stop now. '}Fewer passes over the rows, learning less strongly (a lower learning rate), or more and more varied rows help.`,
  }),
  'rate-too-low': ({ step, from, to }, { plan }) => ({
    severity: 'warning',
    sentence: 'It learns very slowly: how strongly it learns (learning rate) looks too low.',
    reason: `${moved(from, to)}, and at step ${ofRun(plan, step)} every step still pulls as hard as the first ones did (gradient norm).`,
    help: `Start again and let it learn more strongly (learning rate): try ${times(plan, 10)} instead of ${rate(plan)}.`,
  }),
  'rate-too-high': ({ how, step, from, to, loss: at }, { plan }) => ({
    severity: 'warning',
    sentence: {
      worse: 'It gets worse instead of better: it seems to learn too strongly (learning rate).',
      thrown: 'Its first steps threw it far off: it seems to learn too strongly (learning rate).',
      rose: 'It lost again what it had learned: it seems to have learned too strongly (learning rate).',
      dead: 'It got stuck far from its goal: it seems to have learned too strongly (learning rate).',
    }[how],
    reason: {
      worse: `On its own training rows the loss rose from ${formatLoss(from)} to ${formatLoss(to)}.`,
      thrown: `On rows it has not seen the loss was ${formatLoss(from)} before training, and ${formatLoss(to)} at step ${ofRun(plan, step)}.`,
      rose: `On its own training rows the loss was ${formatLoss(from)} at step ${ofRun(plan, step)}, and has risen to ${formatLoss(to)} since.`,
      dead: `Its loss stays at ${formatLoss(at)}, and hardly anything pulls it on: the pull of a step (gradient norm) fell from ${formatLoss(from)} to ${formatLoss(to)}.`,
    }[how],
    help: `${weaker}: try ${times(plan, 0.1)} instead of ${rate(plan)}.`,
  }),
  unstable: ({ step, isSpiky, spikes, highest }, { plan }) => ({
    severity: 'warning',
    sentence: 'Training is unstable.',
    reason: isSpiky
      ? `In ${spikes} steps the loss leapt up, to as much as ${formatLoss(highest)}, together with the pull of the step (gradient norm).`
      : `From about step ${ofRun(plan, step)} on its loss went up for a while, to ${formatLoss(highest)}, instead of down.`,
    help:
      plan.recipe.optimizer.clipNorm === null
        ? 'Limit the pull of a step (gradient clipping, at 1), let it learn less strongly (learning rate), or take more rows in each step.'
        : `Let it learn less strongly (learning rate: try ${times(plan, 0.3)} instead of ${rate(plan)}), or take more rows in each step.`,
  }),
  'stopped-early': ({ step, best }, { plan }) => ({
    severity: 'note',
    sentence: `It stopped by itself at step ${ofRun(plan, step)} of ${ofRun(plan, plan.totalSteps)}.`,
    reason: `On rows it has not seen it was measured ${plan.recipe.evaluation.patience ?? 0} times without getting better.`,
    help: keptWords(plan, best),
  }),
  diverged: ({ step }, { plan }) => ({
    severity: 'warning',
    sentence: `Its numbers went out of bounds after step ${ofRun(plan, step)}.`,
    reason:
      'How far off it is (loss) or the pull of a step (gradient) was no longer a number, so training was stopped before it could spoil the weights.',
    help: `${weaker}: try ${times(plan, 0.1)} instead of ${rate(plan)}.`,
  }),
}

const weaker = 'Start again and let it learn less strongly (learning rate)'

/** A step as the curve shows it, through both stages. */
const ofRun = ({ firstStep }: DiagnosedPlan, step: number): number => firstStep + step

function keptWords(plan: DiagnosedPlan, best: number): string {
  if (best > 0) return `The version of step ${ofRun(plan, best)} is kept.`
  return plan.firstStep === 0
    ? 'What is kept is the model as it was before.'
    : 'What is kept is the model as the first stage left it.'
}

const rows = (isSeen: boolean): string => (isSeen ? 'its training rows' : 'rows it has not seen')

/** Down to the lowest loss that the page names; training rows have none, as each step sees others of them. */
function courseOf(
  { from, to, isSeen }: { readonly from: number; readonly to: number; readonly isSeen: boolean },
  { plan, lowest }: Context,
): string {
  const end =
    isSeen || lowest === null
      ? formatLoss(to)
      : `its lowest, ${formatLoss(lowest.lossNats)} at step ${ofRun(plan, lowest.step)}`
  return `On ${rows(isSeen)} its loss came from ${formatLoss(from)} to ${end}`
}

const moved = (from: number, to: number): string =>
  formatLoss(from) === formatLoss(to) || to >= from
    ? `Its loss has stayed at ${formatLoss(to)}`
    : `Its loss has only come from ${formatLoss(from)} to ${formatLoss(to)}`

const rate = ({ recipe }: DiagnosedPlan): string => String(recipe.optimizer.learningRate)
const times = ({ recipe }: DiagnosedPlan, factor: number): string =>
  String(Number(Math.min(1, recipe.optimizer.learningRate * factor).toPrecision(1)))
