// Each sample keeps its promises: as many rows as its README says, 300 or more, read by its scenario without help, with
// the faults that are there on purpose found by the data check, and a recipe beside it.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { prepareData } from '#core/data/check-data.ts'
import { reportOn } from '#core/data/data-report.ts'
import type { WarningKind } from '#core/data/data-warnings.ts'
import { findPersonal, type PersonalFind } from '#core/data/personal-data.ts'
import { prepareStageTexts } from '#core/data/stage-texts.ts'
import { sampleOf } from '#core/projects/samples.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { readRecipeFile } from '#core/training/recipe-file.ts'
import { type ScenarioId, scenarioIds } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'

interface Faults {
  readonly leftOut: number
  readonly repeated: number
  /** Rows that nearly repeat another. */
  readonly near: number
  /** What is warned of besides repeated rows and the size of the test set, which holds for all. */
  readonly warnings: readonly WarningKind[]
  readonly personal: readonly PersonalFind['kind'][]
}

const faults: Readonly<Record<ScenarioId, Faults>> = {
  classification: { leftOut: 3, repeated: 4, near: 0, warnings: ['contradictions'], personal: [] },
  'question-answering': { leftOut: 3, repeated: 2, near: 0, warnings: [], personal: [] },
  translation: { leftOut: 1, repeated: 2, near: 1, warnings: [], personal: [] },
  summarisation: {
    leftOut: 1,
    repeated: 2,
    near: 1,
    warnings: ['contradictions'],
    personal: ['telephone number'],
  },
  'entity-recognition': { leftOut: 0, repeated: 2, near: 0, warnings: [], personal: [] },
  chatbot: {
    leftOut: 4,
    repeated: 3,
    near: 1,
    warnings: ['contradictions', 'damaged-characters'],
    personal: ['e-mail address'],
  },
  'creative-writing': { leftOut: 1, repeated: 2, near: 1, warnings: [], personal: ['telephone number'] },
  code: {
    leftOut: 1,
    repeated: 3,
    near: 1,
    warnings: ['contradictions', 'damaged-characters'],
    personal: ['e-mail address', 'e-mail address'],
  },
  domain: {
    leftOut: 1,
    repeated: 2,
    near: 2,
    warnings: ['damaged-characters'],
    personal: ['e-mail address'],
  },
}

const ofAll: readonly WarningKind[] = ['duplicates', 'small-test-set']

describe.each(scenarioIds)('the sample of %s', (scenario) => {
  const { path, rows } = sampleOf(scenario)
  const folder = dirname(path)

  test('has the rows that its README names, and 300 or more', () => {
    const [stated] = /\d+/.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    expect(rows).toBe(Number(stated))
    expect(rows).toBeGreaterThanOrEqual(300)
  })

  test('is read without help, and shows its faults to the data check', async () => {
    const { read, repeats, near, split } = await prepareData(path, { scenario })
    const { usableRows, leftOutRows, duplicateRows, warnings } = reportOn(
      read,
      scenarioOf(scenario),
      repeats,
      split,
    )
    const personal = read.rows.flatMap(({ fields }) =>
      Object.values(fields).flatMap((text) => findPersonal(text)?.kind ?? []),
    )
    expect(usableRows).toBe(rows - leftOutRows)
    expect({
      leftOut: leftOutRows,
      repeated: duplicateRows,
      near: near.rows,
      warnings: warnings
        .map(({ kind }) => kind)
        .filter((kind) => !ofAll.includes(kind))
        .toSorted(),
      personal,
    }).toEqual(faults[scenario])
  })

  test('comes with a recipe for it', () => {
    const { data, ...recipe } = unwrap(readRecipeFile(join(folder, 'recipe.yaml'), []))
    expect(recipe.scenario).toBe(scenario)
    expect(data.path).toBe(path)
  })
})

test('the handbook of the boat club is read whole before its questions', async () => {
  const file = join(dirname(sampleOf('question-answering').path), 'two-stages.yaml')
  const { before, data, scenario } = unwrap(readRecipeFile(file))
  const { path, ...settings } = data
  const prepared = await prepareData(path, { scenario, ...settings })
  const { read, split } = await prepareStageTexts(before!, { prepared, scenario })
  // Its words are other than the answers': nothing of it is locked.
  expect(read.leftOut).toEqual([])
  expect(read.rows.length).toBe(7)
  expect(new Set(unwrap(split))).toEqual(new Set(['train']))
})
