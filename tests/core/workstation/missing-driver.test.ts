// A graphics card whose driver is missing or broken, through the whole program: one sentence says what helps, and everything
// else works on the processor. Folders of the system's form and a script in the place of NVIDIA's tool stand for the card.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type * as LinuxCards from '#core/devices/graphics-cards-linux.ts'
import { enginePack } from '#core/engines/engine-packs.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { runWith } from '../../cli/terminal.ts'
import { fillEngineFolder } from '../../support/engine-folder.ts'
import { putNvidiaSmi } from '../../support/nvidia-smi.ts'
import { freshFolder } from '../models/places.ts'
import { newProject } from './new-project.ts'
import { openWorkstation } from './open-workstation.ts'

vi.setConfig({ testTimeout: 300_000 })
const system = vi.hoisted(() => ({ root: '/' }))
vi.mock('#core/devices/graphics-cards-linux.ts', async (original) => {
  const { readPciCards } = (await original()) as typeof LinuxCards
  return { readPciCards: () => readPciCards(system.root) }
})

/** A card on the bus that the system's own driver runs. */
function addCard(root: string): void {
  const card = join(root, 'sys/bus/pci/devices/0000:17:00.0')
  const driver = join(root, 'sys/bus/pci/drivers/nouveau')
  for (const folder of [card, driver]) mkdirSync(folder, { recursive: true })
  for (const [name, text] of [
    ['class', '0x030000'],
    ['vendor', '0x10de'],
    ['device', '0x2684'],
  ] as const)
    writeFileSync(join(card, name), `${text}\n`)
  symlinkSync(driver, join(card, 'driver'))
}

const isOffered = process.platform === 'linux' && process.arch === 'x64'

test.skipIf(!isOffered)('without it a card is told of with what to install, and training works', async () => {
  putNvidiaSmi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9)
  system.root = freshFolder()
  addCard(system.root)
  const station = await openWorkstation()
  const { api, home } = station
  const engine = 'tensorflow-cuda'
  await fillEngineFolder(join(openLibrary(home).enginesFolder, engine), enginePack(engine))
  const { projectId } = await newProject(station)

  const { graphicsCards, devices } = unwrap(await api.call('devices.view', { modelId: null }))
  expect(graphicsCards.map(({ sentences }) => sentences)).toEqual([
    [expect.stringMatching(/^It is run by the system's own driver \(nouveau\).*ubuntu-drivers install/)],
  ])
  const missing = devices.find(({ id }) => id === engine)?.missing
  expect(missing).toMatchObject({
    code: 'device.missing',
    message: expect.stringContaining("needs NVIDIA's driver: the card NVIDIA"),
    remedy: expect.stringContaining('ubuntu-drivers install'),
  })
  const { checks } = unwrap(await api.call('system.selfTest', {}))
  expect(checks.find(({ id }) => id === 'graphics')).toMatchObject({ problem: null })

  const planWith = async (changes: Record<string, string>) =>
    unwrap(await api.call('plan.estimate', { projectId, preset: 'quick', changes }))
  expect((await planWith({ device: engine })).blocking?.message).toBe(missing?.message)
  // Pinned once, when there was a driver: the run begins all the same, and says why it is not on the card.
  unwrap(await api.call('settings.set', { device: engine }))
  const plan = await planWith({})
  expect(plan.blocking).toBeNull()
  expect(plan.sentences.filter((sentence) => sentence.includes("NVIDIA's driver"))).toHaveLength(1)
  const changes = { 'duration.maxSteps': 2 }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  const run = async () => unwrap(await api.call('training.get', { runId })).run
  await expect.poll(async () => (await run()).status, { timeout: 200_000 }).toBe('finished')
  expect((await run()).recipe.device).toBe('cpu')
})

test.skipIf(!isOffered)(
  'one whose parts do not fit each other is one sentence for all of CUDA in the terminal',
  () => {
    putNvidiaSmi('Failed to initialize NVML: Driver/library version mismatch', 18)
    const { code, out } = runWith(freshFolder(), 'devices', 'list')
    expect(code).toBe(0)
    const lines = out.split('\n').filter((line) => /cuda.*: /.test(line))
    expect(lines).toEqual([
      expect.stringMatching(
        /^tensorflow-cuda, tensorflow-cuda-bf16, onnx-cuda: .*parts do not fit each other any more\. Restart/,
      ),
    ])
    expect(out).toContain('On the processor: nothing else was measured on this computer.')
  },
)
