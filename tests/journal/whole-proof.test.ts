// A proof is in the journal whole or not at all.
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good } from './support/sample.ts'

function openRun() {
  const { writer, path, newRun } = openSample()
  const { id: runId } = good(writer.createRun(newRun))
  const evaluation = (subject: 'base' | 'tuned', rowIds: string[]) => ({
    runId,
    subject,
    datasetFingerprint: newRun.recipe.data.fingerprint,
    metrics: { accuracy: 0.5 },
    answers: rowIds.map((rowId) => ({ rowId, expected: 'a', answer: 'b', scores: {} })),
  })
  const reader = good(openJournalReader(path))
  return { writer, reader, runId, evaluation }
}

test('both evaluations and the comparison arrive together', () => {
  const { writer, reader, runId, evaluation } = openRun()
  const proof = {
    base: evaluation('base', ['1', '2']),
    tuned: evaluation('tuned', ['1', '2']),
    comparison: { runId, body: { verdict: 'better' } },
  }
  const { id } = good(writer.addProof(proof))
  expect(good(reader.evaluations(runId)).map(({ subject, answers }) => [subject, answers.length])).toEqual([
    ['base', 2],
    ['tuned', 2],
  ])
  expect(good(reader.comparisons(runId)).map((one) => one.id)).toEqual([id])
  good(writer.addProof({ ...proof, tuned: evaluation('tuned', ['1', '2', '3']) }))
  expect(good(reader.newestEvaluation(runId, 'tuned'))?.answers).toHaveLength(3)
  expect(good(reader.newestEvaluation('no such run', 'tuned'))).toBeNull()
  reader.close()
  good(writer.close())
})

test.each([
  ['the tuned evaluation', 'tuned'],
  ['the comparison', 'comparison'],
])('a fault in %s leaves nothing of the proof', (_name, part) => {
  const { writer, reader, runId, evaluation } = openRun()
  const proof = {
    base: evaluation('base', ['1', '2']),
    tuned: evaluation('tuned', part === 'tuned' ? ['1', '1'] : ['1', '2']),
    comparison: { runId: part === 'comparison' ? 'no such run' : runId, body: {} },
  }
  expect(codeOf(writer.addProof(proof))).toMatch(/journal\.invalid|run\.unknown/)
  expect(good(reader.evaluations(runId))).toEqual([])
  expect(good(reader.comparisons(runId))).toEqual([])
  reader.close()
  good(writer.close())
})
