// The answers of a proof for reading: with their prompts while the data set is here, read once for all pages, in an order
// that follows the metric's direction.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { proveRun } from '#core/proof/index.ts'
import { chooseAnswers, createAnswersReader, withClosest } from '#core/proof/shown-answers.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { ProofAnswer } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { makeProofFixture, type ProofFixture } from './proof-fixture.ts'

let fixture: ProofFixture
beforeAll(async () => {
  fixture = await makeProofFixture('classification', 50)
})
afterAll(() => fixture.close())

test('prompts come with the answers, all pages from one reading; without the data set they are null', async () => {
  const { reader, library, journal, spec, manifest } = fixture
  let readings = 0
  const counting: Pick<JournalReader, 'comparisons' | 'newestEvaluation' | 'getRun' | 'openings'> = {
    comparisons: reader.comparisons,
    getRun: reader.getRun,
    openings: reader.openings,
    newestEvaluation(...question) {
      readings += 1
      return reader.newestEvaluation(...question)
    },
  }
  const read = createAnswersReader(library)
  const answersOf = (runId: string) => read(counting, runId)
  expect((await answersOf('run-1')).answers).toEqual([])
  unwrap(await proveRun(spec, { launcher: createNodeLauncher(), journal }))
  const openings = unwrap(reader.openings(manifest.fingerprint)).length
  const { answers, closestTo } = await answersOf('run-1')
  expect(answers).toHaveLength(manifest.counts.test)
  for (const { closest, prompt } of withClosest(answers, closestTo)) {
    expect(closest?.text).toMatch(/^message \d+ about (bills|bugs|praise)$/)
    expect(closest?.text).not.toBe(prompt)
    expect(closest?.answer).toMatch(/^(billing|bug|praise)$/)
  }
  for (const { prompt, expected } of answers) {
    expect(prompt).toMatch(/^message \d+ about (bills|bugs|praise)$/)
    expect(expected).toMatch(/^(billing|bug|praise)$/)
  }
  expect((await answersOf('run-1')).answers).toBe(answers)
  expect(readings).toBe(2)
  expect(unwrap(reader.openings(manifest.fingerprint))).toHaveLength(openings)

  const [wanted] = answers
  const found = chooseAnswers({ answers, isMoreBetter: true }, 'all', ` ${wanted!.prompt!.toUpperCase()}`)
  expect(found).toEqual([wanted])

  rmSync(spec.datasetFolder, { recursive: true })
  const again = await createAnswersReader(library)(reader, 'run-1')
  expect(again.answers).toEqual(answers.map((answer) => ({ ...answer, prompt: null })))
  expect(withClosest(again.answers, again.closestTo)).toEqual(again.answers)
})

const side = (score: number | null, lossNats: number): ProofAnswer['base'] => ({
  text: '',
  lossNats,
  score,
  isCut: false,
})
const row = (rowId: string, base: ProofAnswer['base'], tuned: ProofAnswer['base'], gain: number) => ({
  rowId,
  prompt: null,
  expected: '',
  base,
  tuned,
  gain,
  closest: null,
})

test('the best answers of a metric that is better the lower it is are those with the lowest score', () => {
  const answers = [
    row('half', side(0.9, 1), side(0.5, 1), 0.4),
    row('none', side(0.1, 1), side(0.9, 1), -0.8),
    row('full', side(0.1, 1), side(0.1, 9), -8),
  ]
  const order = (isMoreBetter: boolean, view: 'best' | 'worst' | 'changed') =>
    chooseAnswers({ answers, isMoreBetter }, view, '').map(({ rowId }) => rowId)
  expect(order(false, 'best')).toEqual(['full', 'half', 'none'])
  expect(order(true, 'best')).toEqual(['none', 'half', 'full'])
  expect(order(true, 'worst')).toEqual(['full', 'half', 'none'])
  // A change of the score comes before any change of the loss alone.
  expect(order(true, 'changed')).toEqual(['none', 'half', 'full'])
})
