// A disk that fills up while the journal is written: a Problem each time, nothing acknowledged is lost, and it goes on
// once there is space again. Needs a small file system of its own; skipped where this process may not mount one.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { smallDisk } from '../support/small-disk.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good, stepEvent } from './support/sample.ts'
import { addSampleStudy, sampleTrial } from './support/study.ts'

const disk = smallDisk('3m', 'disk-full tests')

describe.skipIf(!disk.canMount)('on a disk of 3 MB', () => {
  test('a filling journal fails with journal.disk-full, keeps all it acknowledged, and goes on after', () => {
    const { writer, path, newRun } = openSample({ path: join(disk.folder, 'one', 'journal.db') })
    const { id } = good(writer.createRun(newRun))
    good(writer.startAttempt(id))
    addSampleStudy(writer, newRun, 'study-a')
    writeFileSync(join(disk.folder, 'ballast'), Buffer.alloc(1_000_000))
    let acknowledged = 0
    let refused = 0
    for (let seq = 1; refused < 5; ) {
      const answer = writer.appendEvents(id, 1, [stepEvent(seq, seq), note(seq + 1)])
      if (answer.ok) {
        acknowledged = answer.value.headSeq
        seq += 2
      } else {
        expect(answer.problem.code).toBe('journal.disk-full')
        expect(answer.problem.remedy).toMatch(/space/)
        refused += 1
      }
    }
    expect(acknowledged).toBeGreaterThan(10)
    // A trial and its run, or neither.
    disk.fill()
    const trial = writer.addTrial(sampleTrial('study-a', 2), { ...newRun, notes: 'x'.repeat(90_000) })
    expect(codeOf(trial)).toBe('journal.disk-full')
    const reader = good(openJournalReader(path))
    expect(good(reader.getRun(id)).headSeq).toBe(acknowledged)
    expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    expect(good(reader.trials('study-a'))).toHaveLength(2)
    expect(good(reader.listRuns({ hasTrials: true })).total).toBe(3)
    expect(codeOf(writer.backup())).toBe('journal.backup-failed')

    disk.free()
    good(writer.appendEvents(id, 1, [stepEvent(acknowledged + 1, acknowledged + 1)]))
    good(writer.addTrial(sampleTrial('study-a', 2), newRun))
    good(
      writer.finishRun(id, { reason: 'completed', bestStep: null, bestLossNats: null, adapterSha256: null }),
    )
    expect(good(reader.verifyChain(id))).toMatchObject({ intact: true, events: acknowledged + 1 })
    reader.close()
    good(writer.close())
    rmSync(join(disk.folder, 'one'), { recursive: true })
  })

  test('a full disk when it is opened or closed is a Problem and breaks nothing', () => {
    const path = join(disk.folder, 'two', 'journal.db')
    const { writer, newRun } = openSample({ path })
    const { id } = good(writer.createRun(newRun))
    disk.fill()
    const closed = writer.close()
    if (!closed.ok) expect(closed.problem.code).toBe('journal.disk-full')
    const opened = openJournalWriter(path)
    if (opened.ok) good(opened.value.close())
    else expect(opened.problem.code).toBe('journal.disk-full')
    expect(codeOf(openJournalWriter(join(disk.folder, 'three', 'journal.db')))).toBe('journal.disk-full')

    disk.free()
    const again = good(openJournalWriter(path))
    const reader = good(openJournalReader(path))
    expect(good(reader.getRun(id)).status).toBe('queued')
    expect(good(reader.verifyAll()).damage).toEqual([])
    reader.close()
    good(again.close())
  })
})

const note = (seq: number) => ({ seq, atMs: seq, kind: 'notice', body: { text: 'x'.repeat(3000) } })
