// What a new last layer says of a few validation rows behind each measurement, in the place of written answers: always the
// same rows, as the weights stand.
import { argmax } from '#core/proof/measure-answers.ts'
import { answerOfTags } from '#core/scenarios/entity-spans.ts'
import type { Tensor } from '#engine/index.ts'
import { collate } from '#engine/train/collate.ts'
import type { TrainingPorts, TrainingSetup } from '#engine/train/ports.ts'
import { feedsOf } from '#engine/train/run.ts'
import { measuredParameters, type TrainState, viewsOf } from '#engine/train/state.ts'
import { mostSampleCharacters, type SamplesBody } from '#shared/journal-types.ts'
import type { Recipe } from '#shared/recipe.ts'
import type { PromptedExample } from '#shared/rows.ts'
import { taggedText } from './class-rows.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'
import type { SampleAnswers } from './sample-answers.ts'
import { drawSamples } from './sample-rows.ts'

const mostRows = 3

export interface SampleLabelsParts {
  readonly recipe: Pick<Recipe, 'scenario' | 'seed'>
  readonly model: Pick<OpenModel, 'tokenizer'>
  readonly rows: Pick<PreparedRows, 'classNames' | 'validationExamples'>
  readonly setup: Pick<TrainingSetup, 'validationRows' | 'collation' | 'layout'>
  readonly ports: Pick<TrainingPorts, 'score' | 'hiddenStates' | 'nowMs'>
  readonly state: TrainState
}

export function createSampleLabels(parts: SampleLabelsParts): SampleAnswers {
  const { recipe, rows, setup, ports, state } = parts
  const candidates = setup.validationRows.map(({ ids }, row) => ({
    row,
    promptTokens: ids.length,
    answer: rows.validationExamples[row]!.answer,
  }))
  const chosen = drawSamples(candidates, recipe.seed, mostRows).map(({ row }) => row)

  async function answers(): Promise<SamplesBody['answers']> {
    const encoded = chosen.map((row) => setup.validationRows[row]!)
    const batch = collate(encoded, setup.collation)
    const weights = viewsOf(setup.layout, measuredParameters(state))
    const outputs = await ports.score(await feedsOf(ports, encoded, batch, weights))
    const classes = classesOf(outputs.get('logits.0'))
    let done = 0
    return chosen.map((row, at) => {
      const asked = Array.from(encoded[at]!.labels).filter((label) => label >= 0).length
      done += asked
      return shownAnswer(parts, rows.validationExamples[row]!, classes.slice(done - asked, done))
    })
  }

  return {
    async *after(event) {
      if (event.kind !== 'evaluation' || chosen.length === 0) return
      const startMs = ports.nowMs()
      const given = await answers()
      yield { kind: 'samples', step: state.step, answers: given, durationMs: ports.nowMs() - startMs }
    },
  }
}

/** The most likely class of each row of logits [L,classes]. */
function classesOf(logits: Tensor | undefined): number[] {
  if (!(logits?.data instanceof Float32Array)) throw new Error('the graph returned no logits')
  const { data, shape } = logits
  const width = shape[1]!
  return Array.from({ length: shape[0]! }, (_, row) =>
    argmax(Array.from(data.subarray(row * width, (row + 1) * width))),
  )
}

function shownAnswer(
  { recipe, model, rows: { classNames } }: SampleLabelsParts,
  { rowId, prompt, answer: expected }: PromptedExample,
  classes: readonly number[],
): SamplesBody['answers'][number] {
  const text = prompt.at(-1)?.content ?? ''
  const names = classes.map((index) => classNames[index]!)
  const answer =
    recipe.scenario === 'entity-recognition'
      ? answerOfTags(text, taggedText(model.tokenizer, classNames, text, expected).words, names)
      : names[0]!
  const shown = (words: string): string => words.slice(0, mostSampleCharacters).toWellFormed()
  return {
    rowId,
    prompt: shown(text),
    expected: shown(expected),
    answer: shown(answer),
    isCut: false,
    isRight: answer === expected,
  }
}
