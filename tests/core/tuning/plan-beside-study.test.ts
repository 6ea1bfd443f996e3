// A plan that is made while a search keeps a trainer open: what that one holds is given back before the planned run begins,
// so it counts as free.
import { expect, test } from 'vitest'
import { createPreparedRows } from '#core/data/prepared-rows.ts'
import { createPreparedTexts } from '#core/data/stage-texts.ts'
import { createProjectSource } from '#core/projects/project-source.ts'
import { createProjectStore } from '#core/projects/project-store.ts'
import { createRunPlanner } from '#core/training/run-planner.ts'
import { openJournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { addProject } from './study-station.ts'

/** More than any computer has. */
const heldBytes = 1e15

test('memory that comes back is memory that is free', { timeout: 300_000 }, async () => {
  const station = await openWorkstation()
  const projectId = await addProject(station)
  const { library } = station.workstation
  const reader = unwrap(openJournalReader(library.journalPath))
  try {
    const asked: string[] = []
    const planner = (comesBack?: (device: string) => number) =>
      createRunPlanner(
        { library, reader, pinnedDevice: () => null, ...(comesBack && { comesBack }) },
        createProjectSource(reader, createProjectStore(library)),
        createPreparedRows(),
        createPreparedTexts(createPreparedRows()),
      ).ofProject(projectId)
    const alone = await (await planner()).option('balanced', {})
    const beside = await (
      await planner((device) => {
        asked.push(device)
        return heldBytes
      })
    ).option('balanced', {})
    expect(asked).toEqual(['cpu'])
    expect(alone.fit.availableBytes).toBeLessThan(heldBytes)
    expect(beside.fit).toMatchObject({ kind: 'fits', neededBytes: alone.fit.neededBytes })
    expect(beside.fit.availableBytes).toBeGreaterThan(heldBytes)
  } finally {
    reader.close()
  }
})
