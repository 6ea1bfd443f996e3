// A child process that writes to a journal without pause and names on standard output what was committed, until it is
// killed. Usage: appender.ts JOURNAL SEED [RUNS]
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openJournalWriter } from '#journal/writer.ts'
import { randomFrom } from '../../support/seeded.ts'
import { addSampleLibrary, evaluationEvent, good, stepEvent } from './sample.ts'

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
  if (n % 3 === 2) say('backup', good(writer.backup()).path)
}
