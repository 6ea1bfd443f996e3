// A workstation with the tiny model and a project of short messages, as studies need it; and a study's end, waited for.
import type { CallInput, StudyView } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import type { SearchSpace, StudyTrial } from '#shared/study.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { newProject } from '../workstation/new-project.ts'
import type { OpenWorkstation } from '../workstation/open-workstation.ts'

/** A project whose rows and model are there. */
export const addProject = async (station: OpenWorkstation, rows = 60): Promise<string> => {
  const draft = { instruction: 'Answer with money, shipping or access.' }
  return (await newProject(station, { csv: messagesCsv(rows), draft })).projectId
}

export const tinySpace: SearchSpace = [
  { kind: 'number', path: 'optimizer.learningRate', low: 1e-4, high: 0.03, isLog: true, onlyWhen: null },
  { kind: 'whole', path: 'method.rank', low: 2, high: 8, isLog: true, onlyWhen: null },
]

/** A search of seconds. */
export const tinyStudy = (projectId: string): CallInput<'studies.start'> => ({
  projectId,
  preset: 'quick',
  changes: {
    threads: 1,
    'duration.epochs': 3,
    'method.topLayers': null,
    'batch.microRows': 4,
    'batch.maxTokens': 256,
    'checkpoints.everySteps': 2,
    'checkpoints.everySeconds': null,
  },
  effort: 'short',
  space: tinySpace,
  sampler: 'tpe',
  budget: { trials: 6 },
  confirmSeeds: 3,
})

export async function studyAtEnd(
  { api }: OpenWorkstation,
  studyId: string,
  isEnd: (view: StudyView) => boolean = ({ study }) =>
    ['finished', 'stopped', 'failed'].includes(study.status),
): Promise<StudyView> {
  for (;;) {
    const view = unwrap(await api.call('studies.get', { studyId }))
    if (isEnd(view)) return view
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** What of a trial must be the same however often its study was disturbed. */
export const tableOf = (trials: readonly StudyTrial[]) =>
  trials.map(
    ({ number, purpose, settings, seed, rungs, status, lossNats, lossStep, rungLosses, reason }) => ({
      ...{ number, purpose, settings, seed, rungs, status, lossNats, lossStep, rungLosses, reason },
    }),
  )
