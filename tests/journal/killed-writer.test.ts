// kill -9 of a process that writes without pause: whatever it was told is committed must still be there.
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { randomFrom } from '../support/seeded.ts'
import { startChild } from './support/child.ts'
import { temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

const kills = process.env.TUNEWRIGHT_LONG ? 300 : 20

test(`${kills} kills at random moments lose nothing that was acknowledged`, {
  timeout: 600_000,
}, async () => {
  const path = join(temporaryFolder(), 'journal.db')
  expect((await startChild('appender.ts', [`${path}-other`, '0', '1']).gone).code).toBe(0)
  const random = randomFrom(20_260_802)
  const acknowledged = new Acknowledged()
  let openingKills = 0
  for (let kill = 0; kill < kills; kill++) {
    const child = startChild('appender.ts', [path, String(kill)])
    const isOpeningKill = kill % 6 === 5
    await child.untilLine(isOpeningKill ? 1 : 3 + Math.floor(random() * 60))
    await wait(isOpeningKill ? random() * 25 : random() * 4)
    child.process.kill('SIGKILL')
    const { lines, errors, signal } = await child.gone
    expect(errors).toBe('')
    expect(signal).toBe('SIGKILL')
    if (isOpeningKill && !lines.includes('open')) openingKills += 1
    for (const line of lines) acknowledged.take(line)
    if (kill % 10 === 9) acknowledged.assertAllIn(path)
  }
  acknowledged.assertAllIn(path)
  console.log(
    `${kills} kills (${openingKills} while opening): ${acknowledged.count} acknowledged commits, none lost`,
  )
  expect(acknowledged.count).toBeGreaterThan(kills * 3)

  const writer = good(openJournalWriter(path))
  expect(writer.opened.afterUncleanExit).toBe(true)
  good(writer.markOrphansInterrupted())
  const reader = good(openJournalReader(path))
  const { runs } = good(reader.listRuns({ statuses: ['queued', 'running', 'paused'], hasTrials: true }))
  // What still waits is a trial whose study goes on by itself.
  for (const { status, trial } of runs) {
    expect(status).toBe('queued')
    expect(good(reader.study(trial?.studyId ?? '')).status).toBe('running')
    expect(good(reader.trials(trial?.studyId ?? ''))[trial?.number ?? -1]?.status).toBe('planned')
  }
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
  reader.close()
  good(writer.close())
})

/** What the children said was committed. */
class Acknowledged {
  count = 0
  readonly #heads = new Map<string, { seq: number; hash: string }>()
  readonly #statuses = new Map<string, string>()
  readonly #evaluations = new Map<string, string>()
  readonly #studies = new Map<string, string>()
  /** By study, number by number: the run, and the loss it ended with. */
  readonly #trials = new Map<string, { runId: string; lossNats: number | null }[]>()
  readonly #queued = new Set<string>()

  take(line: string): void {
    const [what, id = '', value = '', hash = ''] = line.split(' ')
    if (what === 'opening' || what === 'open') return
    this.count += 1
    if (what === 'run') this.#statuses.set(id, 'queued')
    if (what === 'status') this.#statuses.set(id, value)
    if (what === 'events') this.#heads.set(id, { seq: Number(value), hash })
    if (what === 'evaluation') this.#evaluations.set(value, id)
    if (what === 'study') this.#studies.set(id, value)
    if (what === 'study' && value === 'finished') this.#queued.delete(id)
    if (what === 'queued') this.#queued.add(id)
    if (what === 'trial')
      this.#trials.set(id, [...(this.#trials.get(id) ?? []), { runId: hash, lossNats: null }])
    const trial = this.#trials.get(id)?.[Number(value)]
    if (what === 'ended' && trial !== undefined) trial.lossNats = Number(hash)
  }

  /** A reader alone, right after a kill, sees everything; events may go one commit further than was said. */
  assertAllIn(path: string): void {
    const reader = good(openJournalReader(path))
    for (const [id, status] of this.#statuses) {
      const found = good(reader.getRun(id)).status
      const later = { queued: ['running'], running: ['finished'], finished: [] as string[] }[status] ?? []
      expect([status, ...later]).toContain(found)
    }
    for (const [id, { seq, hash }] of this.#heads) {
      const report = good(reader.verifyChain(id))
      expect(report).toMatchObject({ intact: true })
      expect(good(reader.events(id, seq - 1, 1))).toMatchObject([{ seq, hash }])
    }
    for (const [evaluation, runId] of this.#evaluations) {
      const found = good(reader.evaluations(runId)).find(({ id }) => id === evaluation)
      expect(found?.answers).toHaveLength(20)
    }
    this.#assertStudiesIn(reader)
    reader.close()
  }

  /** A trial stands there with its run, or neither does. */
  #assertStudiesIn(reader: JournalReader): void {
    for (const [id, status] of this.#studies) {
      const later = { waiting: ['running'], running: ['finished'] }[status] ?? []
      expect([status, ...later]).toContain(good(reader.study(id)).status)
      const trials = good(reader.trials(id))
      for (const { number, runId, status: its } of trials) {
        expect(good(reader.getRun(runId ?? '')).trial).toEqual({ studyId: id, number, confirming: null })
        if (its === 'pruned') expect(good(reader.getRun(runId ?? '')).status).toBe('finished')
      }
      const told = this.#trials.get(id) ?? []
      expect([told.length, told.length + 1]).toContain(trials.length)
      for (const [number, { runId, lossNats }] of told.entries()) {
        expect(trials[number]?.runId).toBe(runId)
        if (lossNats !== null) expect(trials[number]).toMatchObject({ status: 'pruned', lossNats })
      }
    }
    const queued = new Map(good(reader.queue()).map((item) => [item.id, item]))
    for (const id of this.#queued) if (!queued.has(id)) expect(good(reader.study(id)).status).toBe('finished')
  }
}
