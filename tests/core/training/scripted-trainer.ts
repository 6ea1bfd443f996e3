// A trainer that follows a script instead of training, as a real child process; what its scripts are made of; and runs in a
// real journal for it.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildPort } from '#core/system/launcher.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { type Recipe, recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { addSampleLibrary, sampleRecipe } from '../../journal/support/sample.ts'

/** Events, and what begins with "!": tests/fixtures/scripted-trainer.mjs. */
export type Script = readonly unknown[]

export function forkScripted(script: Script): ChildPort {
  const child = fork(join(import.meta.dirname, '../../fixtures/scripted-trainer.mjs'), [], {
    env: { ...process.env, TUNEWRIGHT_SCRIPT: JSON.stringify(script) },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  return {
    pid: child.pid,
    send: (message) => void (child.connected && child.send(message as object, () => {})),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) =>
      void child.once('close', (code, signal) => listener({ code, signal, lastWords: '' })),
    kill: () => void child.kill('SIGKILL'),
  }
}

export const step = (number: number) => ({
  kind: 'step',
  step: number,
  epoch: 0.5,
  lossNats: 1 / number,
  gradNorm: 1,
  learningRate: 0.1,
  labelledTokens: 5,
  tokensSeen: 5 * number,
  durationMs: 1,
})

export const finishedAt = (lastStep: number, reason = 'completed') => ({
  kind: 'finished',
  reason,
  step: lastStep,
  bestStep: null,
  bestLossNats: null,
  adapterSha256: null,
  peakResidentBytes: 1,
})

export interface RunsToSupervise {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
  /** A run that was not begun. */
  addRun(changes?: Partial<Recipe>, notices?: readonly string[]): string
  close(): void
}

export function openRunsToSupervise(): RunsToSupervise {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-supervised-'))
  const library = openLibrary(home)
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  const base = addSampleLibrary(writer)
  return {
    library,
    writer,
    reader,
    addRun(changes = {}, notices = []) {
      const wanted = recipe.parse({ ...sampleRecipe(), ...changes })
      return unwrap(writer.createRun({ ...base, recipe: wanted, device: { notices } })).id
    },
    close() {
      reader.close()
      writer.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
