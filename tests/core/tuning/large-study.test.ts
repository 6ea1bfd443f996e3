// A large search as a screen asks for it: what mattered comes after the first answer, told by an event, and other calls are
// answered meanwhile.
import { expect, test } from 'vitest'
import { unwrap } from '#shared/result.ts'
import { makePastStudies, pastStudies } from '../../e2e/support/past-studies.ts'
import { openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'

test('which settings matter comes after the first answer, and other calls in between', {
  timeout: 120_000,
}, async () => {
  const home = await temporaryHome()
  await makePastStudies(home, 120)
  const { api, workstation } = await openWorkstation(home)
  const { studies } = unwrap(await api.call('studies.list', {}))
  const { id: studyId } = studies.find(({ name }) => name === pastStudies.night)!
  const order: string[] = []
  const isThere = new Promise<void>((resolve) =>
    workstation.onEvent((event) => {
      if (event !== 'studies.changed') return
      order.push(event)
      resolve()
    }),
  )
  const first = unwrap(await api.call('studies.get', { studyId }))
  expect(first.importance).toMatchObject({ settings: [], cannotTell: expect.stringContaining('worked out') })
  expect(first.verdict.kind).toBe('better')
  unwrap(await api.call('queue.list', {}))
  order.push('queue.list')
  await isThere
  expect(order).toEqual(['queue.list', 'studies.changed'])
  const { importance } = unwrap(await api.call('studies.get', { studyId }))
  expect(importance).toMatchObject({ cannotTell: null })
  expect(importance.settings[0]).toMatchObject({ path: 'optimizer.learningRate', isNoise: false })
})
