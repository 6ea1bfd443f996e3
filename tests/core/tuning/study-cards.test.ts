// A study on a computer with two graphics cards: a trial on each at the same time. The cards are what a script in the place of
// NVIDIA's tool says, and the engine is files of the right sizes; plan, queue, runs and trainers are the real ones, which
// compute on the processor.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { enginePack } from '#core/engines/engine-packs.ts'
import { type ChildPort, createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerCommand, TrainerEvent } from '#shared/trainer-protocol.ts'
import { fillEngineFolder } from '../../support/engine-folder.ts'
import { putNvidiaSmi } from '../../support/nvidia-smi.ts'
import { openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'
import { addProject, studyAtEnd, tinyStudy } from './study-station.ts'

interface Started {
  readonly device: string
  readonly card: number | undefined
  /** Cards that other trials are on at that moment. */
  readonly besides: readonly (number | undefined)[]
}

/** Trainers are told the processor in place of the card's device; what they were to be told is kept. */
function watchedLauncher(started: Started[]): Launcher {
  const { launch } = createNodeLauncher()
  const atWork = new Map<ChildPort, number | undefined>()
  const watched = (child: ChildPort): ChildPort => ({
    pid: child.pid,
    kill: () => child.kill(),
    onExit: (listener) => child.onExit(listener),
    onMessage: (listener) =>
      child.onMessage((message) => {
        const { event } = message as { readonly event?: TrainerEvent }
        if (event?.kind === 'finished' || event?.kind === 'failed') atWork.delete(child)
        listener(message)
      }),
    send(message) {
      const command = message as TrainerCommand
      if (command.kind !== 'start') return child.send(command)
      const { device, recipe, card } = command.job
      started.push({ device: device ?? recipe.device, card, besides: [...atWork.values()] })
      atWork.set(child, card)
      child.send({ ...command, job: { ...command.job, device: 'cpu' } })
    },
  })
  return { launch: (name) => (name === 'trainer' ? watched(launch(name)) : launch(name)) }
}

test.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'two trials at once, one on each of two cards; the old card between them is never taken',
  { timeout: 300_000 },
  async () => {
    const facts = ['NVIDIA H100, 81559 MiB, 590.10, 9.0', 'NVIDIA GeForce GTX 970, 4096 MiB, 590.10, 5.2']
    putNvidiaSmi([facts[0], facts[1], facts[0]].join('\n'))
    const home = await temporaryHome()
    const engine = 'tensorflow-cuda'
    await fillEngineFolder(join(openLibrary(home).enginesFolder, engine), enginePack(engine))
    const started: Started[] = []
    const station = await openWorkstation(home, watchedLauncher(started))
    const projectId = await addProject(station)
    const tiny = tinyStudy(projectId)
    const wanted = {
      ...{ ...tiny, budget: { trials: 4 }, confirmSeeds: 1 },
      changes: { ...tiny.changes, device: 'tensorflow-cuda', 'duration.epochs': 1 },
    }
    const { name: _name, ...choice } = wanted
    const plan = unwrap(await station.api.call('studies.plan', choice))
    expect(plan).toMatchObject({ blocking: null, parallel: 2 })
    expect(plan.sentences.join(' ')).toContain('2 trials run at the same time, one on each graphics card.')

    const { preset, changes } = wanted
    const ofRun = unwrap(await station.api.call('plan.estimate', { projectId, preset, changes }))
    expect(ofRun.sentences.join(' ')).toMatch(
      /of the 85\.5 GB that NVIDIA H100 has \(reckoned, not measured here\)/,
    )

    const { studyId } = unwrap(await station.api.call('studies.start', wanted))
    const { study, trials } = await studyAtEnd(station, studyId)
    expect(study.status).toBe('finished')
    expect(trials.map(({ status }) => status)).not.toContain('failed')
    expect(started).toHaveLength(4)
    expect(started.map(({ device }) => device)).toEqual(Array(4).fill('tensorflow-cuda'))
    expect(new Set(started.map(({ card }) => card))).toEqual(new Set([0, 2]))
    for (const { card, besides } of started) {
      expect(besides).not.toContain(card)
      expect(besides.length).toBeLessThan(2)
    }
    expect(started.some(({ besides }) => besides.length === 1)).toBe(true)
  },
)
