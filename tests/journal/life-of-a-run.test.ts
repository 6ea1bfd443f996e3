// One run from its row to its proof, written by the writer and read back by a reader beside it.
import { describe, expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openSample } from './support/folders.ts'
import { codeOf, evaluationEvent, good, sampleLibrary, stepEvent } from './support/sample.ts'

describe('a run', () => {
  test('of two stages needs both data sets, and says in a list which the first one is', () => {
    const { writer, path, newRun } = openSample()
    const before = { fingerprint: 'e'.repeat(16), epochs: 1, learningRate: null }
    const recipe = { ...newRun.recipe, before }
    expect(codeOf(writer.createRun({ ...newRun, recipe }))).toBe('journal.unknown')
    good(writer.addDataset({ ...sampleLibrary.dataset, fingerprint: before.fingerprint, scenario: 'domain' }))
    const { id } = good(writer.createRun({ ...newRun, recipe }))
    good(writer.createRun(newRun))
    const reader = good(openJournalReader(path))
    const firsts = good(reader.listRuns({})).runs.map((run) => [run.id === id, run.beforeFingerprint])
    expect(firsts.sort()).toEqual([
      [false, null],
      [true, before.fingerprint],
    ])
    expect(good(reader.getRun(id)).recipe.before).toEqual(before)
  })

  test('goes on by itself after an attempt that came to nothing, and is under way throughout', () => {
    const { writer, path, newRun } = openSample()
    const { id } = good(writer.createRun(newRun))
    expect(codeOf(writer.nextAttempt(id))).toBe('journal.transition')
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, 1, 2.5)]))
    good(writer.setRunStatus(id, 'paused'))
    expect(good(writer.nextAttempt(id))).toEqual({ attempt: 2, firstSeq: 2 })
    const reader = good(openJournalReader(path))
    expect(good(reader.getRun(id))).toMatchObject({ status: 'running', attempts: 2, endedAtMs: null })
    expect(codeOf(writer.appendEvents(id, 1, [stepEvent(2, 2, 2)]))).toBe('journal.conflict')
    good(writer.appendEvents(id, 2, [stepEvent(2, 2, 2)]))
    good(
      writer.finishRun(id, { reason: 'completed', bestStep: null, bestLossNats: null, adapterSha256: null }),
    )
    expect(codeOf(writer.nextAttempt(id))).toBe('journal.transition')
    expect(codeOf(writer.nextAttempt('nobody'))).toBe('run.unknown')
    reader.close()
  })

  test('is written command by command and read back whole', () => {
    const { writer, path, newRun } = openSample()
    const { id } = good(writer.createRun(newRun))
    const reader = good(openJournalReader(path))
    expect(good(reader.getRun(id))).toMatchObject({
      status: 'queued',
      attempts: 0,
      headSeq: 0,
      recipe: newRun.recipe,
    })

    expect(good(writer.startAttempt(id))).toEqual({ attempt: 1, firstSeq: 1 })
    const plan = {
      totalSteps: 9,
      stepsPerEpoch: 3,
      determinism: 'bit-exact on this machine',
      backend: 'onnx-cpu',
    }
    good(
      writer.appendEvents(id, 1, [
        { seq: 1, atMs: 1, kind: 'plan', body: plan },
        stepEvent(2, 1, 2.5),
        stepEvent(3, 2, 0.1 + 0.2),
        evaluationEvent(4, 2, 2.25, true),
      ]),
    )
    expect(good(reader.getRun(id))).toMatchObject({
      status: 'running',
      totalSteps: 9,
      lastStep: 2,
      bestStep: 2,
      bestLossNats: 2.25,
      determinism: 'bit-exact on this machine',
      headSeq: 4,
    })

    good(writer.setRunStatus(id, 'paused'))
    good(writer.setRunStatus(id, 'interrupted'))
    expect(good(writer.startAttempt(id))).toEqual({ attempt: 2, firstSeq: 5 })
    good(writer.appendEvents(id, 2, [stepEvent(5, 2, 0.5), stepEvent(6, 3, 0.25)]))
    const curve = good(reader.curve(id))
    expect(curve.train.map((p) => [p.step, p.lossNats, p.attempt])).toEqual([
      [1, 2.5, 1],
      [2, 0.5, 2],
      [3, 0.25, 2],
    ])
    expect(curve.validation).toMatchObject([{ step: 2, lossNats: 2.25, isBest: true, attempt: 1 }])
    expect(good(reader.events(id, 2))).toHaveLength(4)
    expect(good(reader.events(id))[2]?.body).toMatchObject({ lossNats: 0.1 + 0.2 })

    good(
      writer.finishRun(id, {
        reason: 'completed',
        bestStep: 3,
        bestLossNats: 2,
        adapterSha256: 'b'.repeat(64),
      }),
    )
    expect(codeOf(writer.setRunStatus(id, 'cancelled'))).toBe('journal.transition')
    expect(codeOf(writer.appendEvents(id, 2, [stepEvent(7, 4)]))).toBe('journal.transition')

    good(
      writer.recordTestSetOpening({
        datasetFingerprint: newRun.recipe.data.fingerprint,
        runId: id,
        purpose: 'proof',
      }),
    )
    for (const subject of ['base', 'tuned'] as const)
      good(
        writer.addEvaluation({
          runId: id,
          subject,
          datasetFingerprint: newRun.recipe.data.fingerprint,
          metrics: { accuracy: 0.5 },
          answers: [
            { rowId: 'r1', expected: 'billing', answer: 'billing', scores: { exact: 1 } },
            { rowId: 'r2', expected: 'returns', answer: 'half \ud83d a character', scores: { exact: 0 } },
          ],
        }),
      )
    good(writer.addComparison({ runId: id, body: { verdict: 'no measurable difference' } }))
    const artifact = good(
      writer.addArtifact({
        runId: id,
        kind: 'adapter',
        path: `runs/${id}/adapter`,
        bytes: 10,
        sha256: 'c'.repeat(64),
      }),
    )
    good(writer.markArtifactRemoved(artifact.id))
    good(writer.setNotes(id, 'Looks good.'))
    good(writer.setTags(id, ['first', 'first', 'demo']))

    expect(good(reader.evaluations(id)).map((e) => [e.subject, e.answers.length])).toEqual([
      ['base', 2],
      ['tuned', 2],
    ])
    expect(good(reader.comparisons(id))).toMatchObject([{ body: { verdict: 'no measurable difference' } }])
    expect(good(reader.openings(newRun.recipe.data.fingerprint))).toMatchObject([
      { runId: id, purpose: 'proof' },
    ])
    expect(good(reader.artifacts(id))[0]?.removedAtMs).not.toBeNull()
    expect(good(reader.listRuns({ text: 'FIRST', tag: 'demo' }))).toMatchObject({
      total: 1,
      runs: [{ id, tags: ['first', 'demo'], status: 'finished', projectName: 'Support mail' }],
    })
    expect(good(reader.verifyChain(id))).toMatchObject({ intact: true, events: 6 })
    expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    reader.close()
    good(writer.close())
  })
})
