// Whether a trial can fit, by the same plan as a run's: on a computer with much memory, and on one with little.
import { expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { createTrialPlanner, trialsInMemory } from '#core/tuning/plan-trial.ts'
import { trialRecipe } from '#core/tuning/trial-recipe.ts'
import { openJournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { addProject, tinyStudy } from './study-station.ts'

test('a trial that takes more than this computer has is told beforehand, and only that one', {
  timeout: 120_000,
}, async () => {
  const station = await openWorkstation()
  const projectId = await addProject(station)
  const { studyId } = unwrap(await station.api.call('studies.start', tinyStudy(projectId)))
  unwrap(await station.api.call('studies.stop', { studyId }))
  const library = openLibrary(station.home)
  const reader = unwrap(openJournalReader(library.journalPath))
  const { spec } = unwrap(reader.study(studyId))
  reader.close()
  const of = (microRows: number) => unwrap(trialRecipe(spec, { 'batch.microRows': microRows }, 1))
  const roomy = createTrialPlanner(library, 64e9)
  expect(await roomy.tooLarge(of(4), 1)).toBeNull()
  const sizeOf = async (microRows: number): Promise<number> => {
    const said = await createTrialPlanner(library, 1).tooLarge(of(microRows), 1)
    return Number(/about ([\d.]+) MB/.exec(said ?? '')?.[1]) * 1e6
  }
  const [small, large] = [await sizeOf(4), await sizeOf(2048)]
  expect(large).toBeGreaterThan(1.2 * small)
  const between = createTrialPlanner(library, (small + large) / 2 / 0.85)
  expect(await between.tooLarge(of(4), 1)).toBeNull()
  expect(await between.tooLarge(of(2048), 1)).toMatch(
    /^It would take about .* of memory, and this computer has [\d.]+ MB\.$/,
  )
  // Beside others of its size it must fit as often.
  const forTwo = createTrialPlanner(library, (2.1 * small) / 0.85)
  expect(await forTwo.tooLarge(of(4), 2)).toBeNull()
  expect(await forTwo.tooLarge(of(4), 3)).toMatch(/for 3 trials at the same time\.$/)
})

test('so many trials run at once as memory holds, and never more than there are cards', () => {
  expect(trialsInMemory(4, 10e9, 64e9)).toBe(4)
  expect(trialsInMemory(8, 10e9, 64e9)).toBe(5)
  expect(trialsInMemory(4, 60e9, 64e9)).toBe(1)
  expect(trialsInMemory(1, 1e9, 64e9)).toBe(1)
})
