// A child process that writes to a journal without pause and names on standard output what was committed, until it is
// killed. Usage: appender.ts JOURNAL SEED [RUNS]
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openJournalWriter } from '#journal/writer.ts'
import { randomFrom } from '../../support/seeded.ts'
import { addSampleLibrary, evaluationEvent, good, stepEvent } from './sample.ts'
import { sampleSpec, sampleTrial } from './study.ts'

const [path = '', seed = '1', runs = 'Infinity'] = process.argv.slice(2)
const say = (...words: (string | number)[]) => writeSync(1, `${words.join(' ')}\n`)
const random = randomFrom(Number(seed))

say('opening')
const writer = good(openJournalWriter(path))
const newRun = addSampleLibrary(writer)
say('open')
for (let n = 0; n < Number(runs); n++) {
  const { id } = good(writer.createRun({ ...newRun, name: `run ${seed}.${n}` }))
  say('run', id)
  const { attempt, firstSeq } = good(writer.startAttempt(id))
  say('status', id, 'running')
  let seq = firstSeq
  for (let batch = 0; batch < 12; batch++) {
    const size = 1 + Math.floor(random() * 6)
    const events = Array.from({ length: size }, (_, i) =>
      random() < 0.2
        ? evaluationEvent(seq + i, seq + i, random(), random() < 0.5)
        : stepEvent(seq + i, seq + i),
    )
    const { headSeq, headHash } = good(writer.appendEvents(id, attempt, events))
    say('events', id, headSeq, headHash)
    seq += size
    await nextTurn()
  }
  const evaluation = good(
    writer.addEvaluation({
      runId: id,
      subject: 'tuned',
      datasetFingerprint: newRun.recipe.data.fingerprint,
      metrics: { accuracy: random() },
      answers: Array.from({ length: 20 }, (_, i) => ({
        rowId: `row-${i}`,
        expected: 'billing',
        answer: 'returns',
        scores: { exact: 0 },
      })),
    }),
  )
  say('evaluation', id, evaluation.id)
  good(writer.finishRun(id, { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
  say('status', id, 'finished')
  await searchOnce(n)
  if (n % 3 === 2) say('backup', good(writer.backup()).path)
}

/** A study whose trials begin, are given up and end, and that waits in the queue at times. */
async function searchOnce(n: number): Promise<void> {
  const { id } = good(
    writer.createStudy({ projectId: newRun.projectId, name: `study ${n}`, spec: sampleSpec }),
  )
  say('study', id, 'waiting')
  good(writer.enqueue({ kind: 'study', id, priority: n % 3 }))
  say('queued', id)
  good(writer.changeStudy(id, { status: 'running' }))
  say('study', id, 'running')
  for (const number of [0, 1]) {
    const { runId } = good(writer.addTrial(sampleTrial(id, number), { ...newRun, name: `trial ${number}` }))
    say('trial', id, number, runId ?? 'none')
    const { attempt, firstSeq } = good(writer.startAttempt(runId ?? ''))
    good(writer.appendEvents(runId ?? '', attempt, [stepEvent(firstSeq, 1)]))
    await nextTurn()
    good(
      writer.finishRun(runId ?? '', { reason: 'pruned', bestStep: 1, bestLossNats: 1, adapterSha256: null }),
    )
    const end = { studyId: id, number, status: 'pruned', lossNats: random(), lossStep: 1 } as const
    good(writer.endTrial({ ...end, rungLosses: [], reason: 'Worse than others.', work: null }))
    say('ended', id, number, end.lossNats)
  }
  good(writer.changeStudy(id, { status: 'finished' }))
  say('study', id, 'finished')
}
