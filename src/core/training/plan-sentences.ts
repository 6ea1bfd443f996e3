// What a plan will do, in sentences for a person: what is learnt, how it is watched, what it costs in quality.
import { trainsBlocks } from '#shared/method-parts.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import type { DeviceChoice } from '../devices/choose-device.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { countSteps } from './estimate.ts'

interface PlannedRun {
  readonly recipe: RecipeDraft
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number }
  /** Texts of the first stage; 0 where there is none. */
  readonly texts: number
  /** Blocks of the model. */
  readonly layers: number
}

const times = (passes: number): string => (passes === 1 ? 'once' : `${passes} times`)

export function planSentences({ recipe, counts, texts, layers }: PlannedRun): string[] {
  const { before, evaluation } = recipe
  const first =
    before === null
      ? 'The model'
      : `First it reads ${texts === 1 ? 'one text' : `${texts} texts`} of your field ${times(before.epochs)}, and learns how each goes on (domain text); then it`
  return [
    `${first} goes over your ${counts.train} rows ${passesOf(recipe, counts.train)} and learns ${learnt(recipe.method)}`,
    ...upperBlocks(recipe, layers),
    `${counts.validation} other rows show along the way whether it gets better, and the best version is kept${evaluation.patience === null ? '' : '; it stops by itself when it no longer improves'}.`,
    `${counts.test} locked rows are opened once, for the proof at the end.`,
  ]
}

/** How often the rows are gone over; a limit of steps may end that before. */
function passesOf({ batch, duration }: RecipeDraft, rows: number): string {
  const { epochs, maxSteps } = duration
  const wanted = countSteps(rows, { batch, duration: { ...duration, maxSteps: null } })
  if (maxSteps === null || maxSteps >= wanted) return times(epochs)
  const made = (epochs * maxSteps) / wanted
  const seen =
    made < 1
      ? `only in part, about ${Math.ceil(100 * made)} % of them`
      : `about ${times(Number(made.toPrecision(2)))}`
  return `${seen}, where the limit of ${maxSteps === 1 ? 'one step' : `${maxSteps} steps`} ends it (${times(epochs)} without the limit),`
}

/** What computes it and why, where that is not the processor as always; and that its runtime takes more memory. */
export function deviceSentences({ reason, isNotable }: DeviceChoice, memoryFactor: number): string[] {
  const memory =
    memoryFactor < 1.05
      ? []
      : [
          `This device needs about ${memoryFactor.toFixed(1)} times the memory of the processor alone, as measured here; the plan reckons with it.`,
        ]
  return isNotable ? [reason, ...memory] : memory
}

function learnt({ kind, rank, decomposed, base }: RecipeDraft['method']): string {
  if (kind === 'full') return 'with all of its own weights (full fine-tuning); a copy of the model is kept.'
  if (kind === 'full-head')
    return 'with all of its own weights and a new last layer that names your labels (full fine-tuning); a copy of the model is kept.'
  if (kind === 'head') return 'a new last layer that names your labels; its own weights stay as they are.'
  const adapter = `${decomposed ? 'DoRA' : 'LoRA'}, rank ${rank}`
  const frozen =
    base === 'float' ? 'its own weights stay as they are' : `its own weights are held in ${bitsOf[base]}`
  const head = kind === 'lora-head' ? ' and a new last layer that names your labels' : ''
  return `a small addition to it (${adapter})${head}; ${frozen}.`
}

const bitsOf = { int8: '8 bits', int4: '4 bits', nf4: '4 bits (NF4)' } as const

/**
 * Measured with PEFT on SmolLM2-135M, two passes over 400 rows (docs/figures.md): requests into 7 labels 0.056 nats with
 * all blocks, 0.044 with the uppermost third; English into German 2.58 and 2.86, before training 3.92. With our own
 * trainer, two passes over 36 texts, spam or not: 3.72 and 6.37 nats, before training 7.20.
 */
function upperBlocks({ method, reuseFrozenLayers, scenario }: RecipeDraft, layers: number): string[] {
  const { topLayers, kind } = method
  if (!trainsBlocks(kind) || topLayers === null || topLayers >= layers) return []
  const what =
    topLayers === 1
      ? `Only the uppermost of its ${layers} blocks learns`
      : `Only the uppermost ${topLayers} of its ${layers} blocks learn`
  const how = reuseFrozenLayers
    ? '; what the blocks below make of your rows is computed once and kept on disk'
    : ''
  const price = scenarioOf(scenario).metrics.includes('accuracy')
    ? 'Where we measured it, sorting into labels lost nothing by that with 400 rows, but most of what there was to gain with 36: with few rows rather let all blocks learn.'
    : 'Where we measured it, written answers lost about a fifth of the gain by that.'
  return [`${what}${how}. That is much quicker. ${price}`]
}
