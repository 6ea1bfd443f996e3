// A library with a really trained and proved tiny run, another run that went on after an interruption, and a search.
import { proveJournaledRun } from '#core/proof/prove-journaled-run.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { evaluationEvent, stepEvent } from '../../journal/support/sample.ts'
import { openSmallRun, type SmallRunPorts } from '../training/small-run.ts'

export interface RealLibrary extends SmallRunPorts {
  /** Trained, finished, proved. */
  readonly trained: string
  /** Two attempts; steps 3 and 4 were computed twice. */
  readonly resumed: string
  readonly study: string
  close(): void
}

export async function openRealLibrary(): Promise<RealLibrary> {
  const small = await openSmallRun('Sorted | "mail"', 140)
  const { library, writer, reader, runId: trained, close } = small
  const ports = { library, writer, reader, launcher: createNodeLauncher() }
  const proving = { signal: new AbortController().signal, onProgress: () => {} }
  unwrap(await proveJournaledRun(trained, { ...ports, ...proving }))
  unwrap(writer.setNotes(trained, 'first night\nwith two lines'))
  unwrap(writer.setTags(trained, ['quick', 'für später']))
  const resumed = addResumedRun(writer, reader, trained)
  const study = addStudy(writer, reader, resumed)
  return { library, writer, reader, trained, resumed, study, close }
}

function addResumedRun(writer: JournalWriter, reader: JournalReader, like: string): string {
  const { recipe, projectId } = unwrap(reader.getRun(like))
  const run = { projectId, name: 'Resumed', backend: 'onnx-cpu', device: {}, versions: {}, recipe }
  const { id } = unwrap(writer.createRun(run))
  const { attempt } = unwrap(writer.startAttempt(id))
  const first = [1, 2, 3, 4].map((step, place) => stepEvent(place + 1, step))
  unwrap(writer.appendEvents(id, attempt, [...first, evaluationEvent(5, 4, 0.7, true)]))
  unwrap(writer.setRunStatus(id, 'interrupted'))
  const second = unwrap(writer.startAttempt(id))
  const again = [3, 4, 5].map((step, place) => stepEvent(second.firstSeq + place, step, 1 / 3 + step))
  unwrap(writer.appendEvents(id, second.attempt, [...again, evaluationEvent(9, 4, 0.6, true)]))
  unwrap(writer.finishRun(id, { reason: 'completed', bestStep: 4, bestLossNats: 0.6, adapterSha256: null }))
  return id
}

function addStudy(writer: JournalWriter, reader: JournalReader, like: string): string {
  const { recipe, projectId } = unwrap(reader.getRun(like))
  const { id } = unwrap(
    writer.createStudy({
      projectId,
      name: 'Which rate',
      spec: {
        ...{ version: 1, base: recipe, sampler: 'random', seed: 1, pruning: null, budget: { trials: 3 } },
        space: [{ kind: 'number', path: 'optimizer.learningRate', low: 0.001, high: 0.1, isLog: true }],
      },
    }),
  )
  for (const number of [0, 1]) {
    const rate = 0.01 * (number + 1)
    const trial = {
      ...{ studyId: id, number, seed: 42, rungs: [], purpose: 'search' as const },
      settings: { 'optimizer.learningRate': rate },
    }
    const run = {
      ...{ projectId, name: `Trial ${number}`, backend: 'onnx-cpu', device: {}, versions: {} },
      recipe: { ...recipe, optimizer: { ...recipe.optimizer, learningRate: rate } },
    }
    unwrap(writer.addTrial(trial, run))
  }
  unwrap(
    writer.endTrial({
      ...{ studyId: id, number: 0, status: 'complete', lossNats: 0.5, lossStep: 4, rungLosses: [] },
      ...{ reason: null, work: null },
    }),
  )
  return id
}

export const quietly = { signal: new AbortController().signal, tell: () => {} }
