// A study that is killed beside the same study that nobody disturbs: what must hold of both.
import { expect } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { killStudy, type StudyKills } from './kill-study.ts'
import { addProject, studyAtEnd, tableOf, tinyStudy } from './study-station.ts'

async function startStudy(trials: number) {
  const station = await openWorkstation()
  const projectId = await addProject(station)
  const wanted = { ...tinyStudy(projectId), budget: { trials } }
  const { studyId } = unwrap(await station.api.call('studies.start', wanted))
  return { station, studyId }
}

/** Gives back how often each process was killed. */
export async function compareKilled(trials: number, kills: number, seed: number): Promise<StudyKills> {
  const undisturbed = await startStudy(trials)
  const { trials: expected } = await studyAtEnd(undisturbed.station, undisturbed.studyId)
  await undisturbed.station.close()
  const struck = { core: 0, trainer: 0 }
  for (let round = 0; struck.core + struck.trainer < kills; round += 1) {
    const { station, studyId } = await startStudy(trials)
    await station.close()
    const done = await killStudy(station.home, studyId, kills - struck.core - struck.trainer, seed + round)
    struck.core += done.core
    struck.trainer += done.trainer
    const reader = unwrap(openJournalReader(openLibrary(station.home).journalPath))
    const found = unwrap(reader.trials(studyId))
    expect(unwrap(reader.study(studyId)).status).toBe('finished')
    expect(tableOf(found)).toEqual(tableOf(expected))
    // Nothing twice: a run for each trial, none left over, every event where it was written.
    const runs = unwrap(reader.listRuns({ hasTrials: true, limit: 1000 })).runs
    expect(runs.map(({ id }) => id).sort()).toEqual(found.map(({ runId }) => runId).sort())
    for (const { id } of runs) expect(unwrap(reader.verifyChain(id))).toMatchObject({ intact: true })
    reader.close()
  }
  return struck
}
