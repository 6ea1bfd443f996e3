// kill -9 of a process that writes without pause: whatever it was told is committed must still be there.
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { randomFrom } from '../support/seeded.ts'
import { startChild } from './support/child.ts'
import { temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

const kills = process.env.TUNEWRIGHT_LONG ? 300 : 50

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
  expect(good(reader.listRuns({ statuses: ['queued', 'running', 'paused'] })).total).toBe(0)
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

  take(line: string): void {
    const [what, id = '', value = '', hash = ''] = line.split(' ')
    if (what === 'opening' || what === 'open') return
    this.count += 1
    if (what === 'run') this.#statuses.set(id, 'queued')
    if (what === 'status') this.#statuses.set(id, value)
    if (what === 'events') this.#heads.set(id, { seq: Number(value), hash })
    if (what === 'evaluation') this.#evaluations.set(value, id)
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
    reader.close()
  }
}
