// Sample answers: what the model as it stands says to a few validation rows, after each measurement. They only look: no
// random number, no state of the training, no test row. Short of time there are fewer, and what fails is a notice.
import { join } from 'node:path'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { methodOf } from '#core/training/method-of.ts'
import type { Decoding } from '#engine/decode.ts'
import type { Backend, WeightLocation } from '#engine/index.ts'
import type { TrainingPorts, TrainingSetup } from '#engine/train/ports.ts'
import { measuredParameters, type TrainState, viewsOf } from '#engine/train/state.ts'
import type { SamplesBody } from '#shared/journal-types.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import { openEngineWriter } from '../generator/engine-writer.ts'
import { locateWeights } from '../scorer/model-folder.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'
import { chooseSampleRows, shownAnswer } from './sample-rows.ts'
import { createSampleTime } from './sample-time.ts'

/** Answers are not begun where time is left for fewer tokens. */
const worthTokens = 6

export interface SampleAnswers {
  /** Follows the run; behind an evaluation it gives the answers. */
  after(event: TrainerEvent): AsyncGenerator<TrainerEvent, void>
}

export interface SampleParts {
  readonly job: TrainerJob
  readonly model: OpenModel
  readonly rows: PreparedRows
  readonly setup: TrainingSetup
  readonly host: Pick<TrainingPorts, 'nowMs' | 'nextCommand'> & { readonly backend: Backend }
  readonly state: TrainState
  /** Weights kept in fewer bits, where training reads such. */
  readonly quantised?: ReadonlyMap<string, WeightLocation> | undefined
}

export function createSampleAnswers(parts: SampleParts): SampleAnswers {
  const { host, state, setup } = parts
  const time = createSampleTime(setup.plan, tokensOf(setup))
  let sampler: Sampler | null = null
  let isOff = false

  async function* sample(): AsyncGenerator<TrainerEvent, void> {
    const startMs = host.nowMs()
    const { step } = state
    try {
      sampler ??= openSampler(parts)
      const answers = await sampler.answer(startMs + time.allowedMs(step - setup.plan.firstStep))
      const event = { kind: 'samples', step, answers, durationMs: host.nowMs() - startMs } as const
      time.follow(event)
      if (answers.length > 0) yield event
    } catch (error) {
      isOff = true
      const reason = error instanceof ProblemError ? error.problem.message : String(error)
      yield {
        kind: 'notice',
        text: `No more sample answers are written in this run; the training goes on. ${reason}`,
      }
    }
  }

  return {
    async *after(event) {
      time.follow(event)
      if (event.kind === 'evaluation' && !isOff) yield* sample()
    },
  }
}

/** Tokens that are trained on between two measurements, and those of a measurement. */
function tokensOf({ plan, trainRows, validationRows }: TrainingSetup) {
  const count = (rows: TrainingSetup['trainRows']): number =>
    rows.reduce((sum, { ids }) => sum + ids.length, 0)
  return {
    intervalTokens: (count(trainRows) / plan.stepsPerEpoch) * plan.evaluateEverySteps,
    validationTokens: count(validationRows),
  }
}

interface Sampler {
  /** Stops at the deadline (clock of the host), and where a command waits. */
  answer(deadlineMs: number): Promise<SamplesBody['answers']>
}

function openSampler({ job, model, rows, setup, host, state, quantised }: SampleParts): Sampler {
  const { config, tokenizer } = model
  const { rows: chosen, answerTokens } = chooseSampleRows(model, rows, job.recipe.seed)
  const stopIds = new Set(tokenizer.eos ? [tokenizer.eos.id] : [])
  const isLabel = scenarioOf(job.recipe.scenario).metrics.includes('accuracy')
  const trained = viewsOf(setup.layout, measuredParameters(state))
  const prompts = chosen.map(({ ids }) => ids)
  const places = Math.max(1, ...prompts.map((ids) => ids.length)) + answerTokens
  const workFolder = join(job.runFolder, 'work')
  /** What it took the last time, so that nothing is begun that time does not allow. */
  let leastMs = 0

  /** Rows are read in half of the time, so that all of them get tokens; what answers leave of it is for further rows. */
  async function decode(decoding: Decoding, startMs: number, deadlineMs: number): Promise<void> {
    const { answers } = decoding
    const isStopped = async (): Promise<boolean> =>
      host.nowMs() > deadlineMs || (await host.nextCommand()) !== 'continue'
    let readMs = 0
    let written = 0
    let writtenMs = 0
    for (const untilMs of [(startMs + deadlineMs) / 2, deadlineMs]) {
      while (answers.length < prompts.length) {
        const beginMs = host.nowMs()
        if ((answers.length > 0 && beginMs + readMs > untilMs) || (await isStopped())) break
        await decoding.read()
        readMs = host.nowMs() - beginMs
        if (answers.length === 1) leastMs = host.nowMs() - startMs
      }
      const beginMs = host.nowMs()
      while (!(await isStopped()) && (await decoding.write())) written += 1
      writtenMs += host.nowMs() - beginMs
    }
    if (written > 0) leastMs += (worthTokens * writtenMs) / written
  }

  return {
    async answer(deadlineMs) {
      const startMs = host.nowMs()
      if (chosen.length === 0 || startMs + leastMs > deadlineMs) return []
      const writer = await openEngineWriter(config, methodOf(job.recipe.method), async (built) => {
        const weights = await locateWeights(job.modelFolder, config, built, places, quantised)
        const { threads } = job.recipe
        return unwrap(await host.backend.compile(built.graph, { threads, weights, workFolder }))
      })
      try {
        const decoding = writer.start(trained, { prompts, stopIds, mostTokens: answerTokens })
        await decode(decoding, startMs, deadlineMs)
        return decoding.answers.map((answer, index) => {
          const text = tokenizer.decode(answer.ids, { skipSpecialTokens: true })
          return shownAnswer(chosen[index]!, text, answer, isLabel)
        })
      } finally {
        await writer.dispose()
      }
    },
  }
}
