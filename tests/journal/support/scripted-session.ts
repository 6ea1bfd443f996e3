// A child process that works through every kind of write once and names what was acknowledged. A Problem is printed and
// the next command is tried; anything thrown is a bug and ends it with a stack. Usage: scripted-session.ts FOLDER
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openJournalWriter } from '#journal/writer.ts'
import type { Result } from '#shared/result.ts'
import { sampleLibrary, sampleRun, stepEvent } from './sample.ts'
import { sampleSpec, sampleTrial } from './study.ts'

const [folder = ''] = process.argv.slice(2)

/** Prints the outcome as one line of JSON; the value where there is one. */
function say<T>(what: string, result: Result<T>): T | undefined {
  writeSync(
    1,
    `${JSON.stringify(result.ok ? { what, value: result.value } : { what, code: result.problem.code })}\n`,
  )
  return result.ok ? result.value : undefined
}

const opened = openJournalWriter(join(folder, 'journal.db'))
if (opened.ok) {
  const writer = opened.value
  const project = say('project', writer.ensureProject(sampleLibrary.project))
  say('model', writer.addModel(sampleLibrary.model))
  say('dataset', writer.addDataset(sampleLibrary.dataset))
  const made = say('run', writer.createRun({ ...sampleRun, id: 'run-a', projectId: project?.id ?? 'none' }))
  if (made) {
    const started = say('start', writer.startAttempt(made.id))
    let seq = started?.firstSeq ?? 1
    for (let batch = 0; batch < 5; batch++) {
      const appended = say(
        'events',
        writer.appendEvents(made.id, 1, [stepEvent(seq, seq), stepEvent(seq + 1, seq + 1)]),
      )
      seq = (appended?.headSeq ?? seq - 1) + 1
    }
    say(
      'evaluation',
      writer.addEvaluation({
        runId: made.id,
        subject: 'base',
        datasetFingerprint: sampleLibrary.dataset.fingerprint,
        metrics: { accuracy: 1 },
        answers: [{ rowId: 'r', expected: 'a', answer: 'a', scores: { exact: 1 } }],
      }),
    )
    const spec = sampleSpec
    say(
      'study',
      writer.createStudy({ id: 'study-a', projectId: project?.id ?? 'none', name: 'A night', spec }),
    )
    say(
      'trial',
      writer.addTrial(sampleTrial('study-a', 0), {
        ...sampleRun,
        id: 'run-t',
        projectId: project?.id ?? 'none',
      }),
    )
    say('queue', writer.enqueue({ kind: 'study', id: 'study-a', priority: 0 }))
    say('backup', writer.backup())
    say('notes', writer.setNotes(made.id, 'done'))
    say(
      'finish',
      writer.finishRun(made.id, { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }),
    )
  }
  say('close', writer.close())
} else say('open', opened)
