// A trial of a study is measured at shares of its steps and given up there where it is worse than it would have to be.
import { describe, expect, it } from 'vitest'
import type { TrainState } from '#engine/train/state.ts'
import type { PruneRung } from '#shared/study.ts'
import { collect, copyState, eventsOf, makePorts, makeSetup, newState } from './bigram.ts'

const changes = {
  duration: { epochs: 9, maxSteps: 27 },
  evaluation: { atShares: [1 / 9, 1 / 3, 1], patience: null },
  checkpoints: { everySeconds: null, everySteps: 2 },
}
const setupWith = (pruneAt: readonly PruneRung[] | undefined) => ({ ...makeSetup(changes), pruneAt })

async function run(pruneAt?: readonly PruneRung[], from?: TrainState) {
  const setup = setupWith(pruneAt)
  const state = from ?? newState(setup)
  const ports = makePorts()
  const { events, outcome } = await collect(setup, state, ports)
  return { events, outcome, state, saves: ports.saves }
}

const losses = async () => {
  const { events } = await run()
  return new Map(eventsOf(events, 'evaluation').map(({ step, lossNats }) => [step, lossNats]))
}

describe('shares of a run', () => {
  it('are where it is measured, besides its beginning and its end', async () => {
    expect([...(await losses()).keys()]).toEqual([0, 3, 9, 27])
  })
})

describe('a rung', () => {
  it('ends a run above its limit at once: no state is saved and its best is told', async () => {
    const known = await losses()
    const { events, outcome, state, saves } = await run([
      { share: 1 / 9, aboveNats: known.get(3)! },
      { share: 1 / 3, aboveNats: known.get(9)! - 1e-6 },
    ])
    expect(outcome).toEqual({ reason: 'pruned' })
    expect(events.at(-1)).toMatchObject({ kind: 'evaluation', step: 9 })
    expect(state.best).toMatchObject({ step: 9, lossNats: known.get(9) })
    expect(saves.map(({ step }) => step)).toEqual([2, 4, 6, 8])
    expect(saves.every(({ ending }) => ending === null)).toBe(true)
  })

  it('lets a run go on that is at its limit, and one that has nothing to be compared with', async () => {
    const known = await losses()
    const rungs = [
      { share: 1 / 9, aboveNats: known.get(3)! },
      { share: 1 / 3, aboveNats: null },
    ]
    const { events, outcome } = await run(rungs)
    expect(outcome).toEqual({ reason: 'completed' })
    expect(new Map(eventsOf(events, 'evaluation').map((one) => [one.step, one.lossNats]))).toEqual(known)
  })

  it('goes by the lowest loss so far, which an earlier measurement may have', async () => {
    const setup = setupWith([{ share: 1 / 3, aboveNats: 0.6 }])
    const state = newState(setup)
    state.step = 8
    state.evaluatedAtStep = 3
    state.best = { step: 3, lossNats: 0.5, parameters: state.parameters.slice() }
    const { outcome, events } = await collect(setup, state, makePorts())
    expect(eventsOf(events, 'evaluation')[0]!.lossNats).toBeGreaterThan(0.6)
    expect(outcome).toEqual({ reason: 'completed' })
  })

  it('never ends a run that has done all its steps', async () => {
    const setup = {
      ...makeSetup({ ...changes, duration: { epochs: 9, maxSteps: 2 } }),
      pruneAt: [{ share: 0.9, aboveNats: 0 }],
    }
    expect((await collect(setup, newState(setup), makePorts())).outcome).toEqual({ reason: 'completed' })
  })

  it('ends a run the same from every state that it can be gone on with', async () => {
    const known = await losses()
    const rungs = [{ share: 1 / 3, aboveNats: known.get(9)! - 1e-6 }]
    const whole = await run(rungs)
    expect(whole.saves.length).toBeGreaterThan(2)
    for (const saved of whole.saves) {
      const rest = await run(rungs, copyState(saved))
      expect(rest.outcome).toEqual({ reason: 'pruned' })
      expect(rest.state).toEqual(whole.state)
    }
  })

  it('is looked at again by a run that goes on from a state at it or behind it', async () => {
    const known = await losses()
    const rungs = [{ share: 1 / 3, aboveNats: known.get(27)! - 1e-6 }]
    const free = await run()
    const behind = free.saves.filter(({ step, ending }) => step >= 9 && ending === null)
    expect(behind.map(({ step }) => step)).toContain(10)
    for (const saved of behind) {
      const rest = await run(rungs, copyState(saved))
      expect(rest.outcome).toEqual({ reason: 'pruned' })
      expect(rest.events).toEqual([])
    }
  })
})
