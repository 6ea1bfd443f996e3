// A study of two trials, one at its end and one under way, for tests that need something in every table.
import type { JournalWriter } from '#journal/writer.ts'
import type { NewRun, NewTrial } from '#shared/journal-commands.ts'
import { studySpec } from '#shared/study.ts'
import { good, sampleRecipe } from './sample.ts'

export const sampleSpec = studySpec.parse({
  version: 1,
  base: sampleRecipe(),
  space: [{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-3, isLog: true }],
  sampler: 'random',
  budget: { trials: 5 },
  pruning: {},
  seed: 3,
})

export const sampleTrial = (studyId: string, number: number): NewTrial => ({
  studyId,
  number,
  purpose: 'search',
  settings: { 'optimizer.learningRate': 1e-4 * (number + 1) },
  seed: 42,
  rungs: [],
})

export function addSampleStudy(writer: JournalWriter, newRun: NewRun, studyId: string): void {
  good(writer.createStudy({ id: studyId, projectId: newRun.projectId, name: 'A night', spec: sampleSpec }))
  for (const number of [0, 1])
    good(writer.addTrial(sampleTrial(studyId, number), { ...newRun, name: `Trial ${number}` }))
  const end = { studyId, number: 0, status: 'complete', lossNats: 0.5, lossStep: 10 } as const
  good(writer.endTrial({ ...end, rungLosses: [{ share: 1 / 9, lossNats: 1 }], reason: null, work: null }))
  good(writer.enqueue({ kind: 'study', id: studyId, priority: 0 }))
}
