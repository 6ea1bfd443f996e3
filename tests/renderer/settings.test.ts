// Settings: what is saved or refused, what the storage comes to, what may be cleaned up, and what a report holds.
import { beforeEach, describe, expect, it } from 'vitest'
import type { DevicesView } from '#shared/contract/devices.ts'
import { type About, type StorageItem, settings as settingsSchema } from '#shared/contract/system.ts'
import { ProblemError } from '#shared/result.ts'
import { openTestPage } from './support/page.ts'

const item = (id: string, part: Partial<StorageItem> = {}): StorageItem => ({
  id,
  kind: 'run',
  name: id,
  bytes: 10,
  note: '',
  isRemovable: true,
  changedAtMs: 0,
  ...part,
})
let kept: StorageItem[] = []
/** How many lists are being made, at most at once, and what they wait for. */
const listing = { now: 0, most: 0, gate: Promise.resolve() }
let refusesAt = Number.POSITIVE_INFINITY
let refusesSettings = false
const problem = { code: 'disk.full', message: 'm', where: 'w', remedy: 'r' } as const
const refuse = () => {
  throw new ProblemError(problem)
}
const page = openTestPage({
  'settings.set': (change) => (refusesSettings ? refuse() : { ...settingsSchema.parse({}), ...change }),
  'storage.list': async () => {
    const items = kept
    listing.now += 1
    listing.most = Math.max(listing.most, listing.now)
    await listing.gate
    listing.now -= 1
    return { items, totalBytes: 0, freeBytes: 100 }
  },
  'storage.remove': ({ ids }) => {
    if (page.calls.filter(({ name }) => name === 'storage.remove').length > refusesAt) refuse()
    kept = kept.filter(({ id }) => !ids.includes(id))
    return { removed: ids.length, freedBytes: 10 * ids.length }
  },
})
const { useSettingSaver } = await import('#renderer/features/settings/setting-saver.ts')
const { useSettings } = await import('#renderer/stores/settings.ts')
const { useKeptStorage } = await import('#renderer/features/settings/kept-storage.ts')
const { cleanable, groupByKind, inBatches, sumBytes } = await import(
  '#renderer/features/settings/storage-list.ts'
)
const { reportDetails } = await import('#renderer/features/settings/report-details.ts')

beforeEach(() => {
  page.calls.length = 0
  refusesAt = Number.POSITIVE_INFINITY
  refusesSettings = false
})

describe('a setting', () => {
  it('is shown as saved once it is, and as refused with the reason while the old one stands', async () => {
    const { isSaved, problem: refused, save } = useSettingSaver()
    const saving = save({ theme: 'dark' })
    expect(isSaved.value).toBe(false)
    await saving
    expect({ saved: isSaved.value, theme: useSettings().current.theme }).toEqual({
      saved: true,
      theme: 'dark',
    })
    refusesSettings = true
    await save({ theme: 'light' })
    expect({ saved: isSaved.value, code: refused.value?.code, theme: useSettings().current.theme }).toEqual({
      saved: false,
      code: 'disk.full',
      theme: 'dark',
    })
  })
})

describe('storage', () => {
  it('is grouped by kind, the largest first', () => {
    const groups = groupByKind([
      item('a', { bytes: 5 }),
      item('b', { kind: 'model', bytes: 90 }),
      item('c', { bytes: 7 }),
    ])
    expect(groups.map(({ kind, bytes, items }) => [kind, bytes, items.length])).toEqual([
      ['model', 90, 1],
      ['run', 12, 2],
    ])
    expect(sumBytes([])).toBe(0)
  })

  it('cleans up working copies and old backups, and nothing else', () => {
    const items = [
      item('run'),
      item('copy', { kind: 'cache' }),
      item('fetching', { kind: 'cache', isRemovable: false }),
      item('old', { kind: 'backup' }),
      item('newest', { kind: 'backup', isRemovable: false }),
      item('model', { kind: 'model' }),
    ]
    expect(cleanable(items).map(({ id }) => id)).toEqual(['copy', 'old'])
  })

  it('goes in as many calls as the contract needs, and lists anew what is left', async () => {
    kept = Array.from({ length: 2500 }, (_, n) => item(`run/${n}`))
    expect(inBatches(kept.map(({ id }) => id)).map(({ length }) => length)).toEqual([1000, 1000, 500])
    const storage = useKeptStorage()
    const done = await storage.remove(kept)
    expect(done).toEqual({ removed: 2500, freedBytes: 25_000, refused: null })
    expect(storage.list.value?.items).toEqual([])
    expect(storage.isRemoving.value).toBe(false)
  })

  it('is listed once at a time and ends with what came last (an export began two slow lists at once, in any order)', async () => {
    let open = (): void => {}
    listing.gate = new Promise((resolve) => {
      open = resolve
    })
    listing.most = 0
    kept = [item('before')]
    const storage = useKeptStorage()
    const loads = [storage.load(), storage.load()]
    kept = [item('after')]
    loads.push(storage.load())
    open()
    await Promise.all(loads)
    expect(listing.most).toBe(1)
    expect(storage.list.value?.items.map(({ id }) => id)).toEqual(['after'])
    expect(page.calls).toHaveLength(2)
  })

  it('says what went before a refusal, and why the rest stayed', async () => {
    kept = Array.from({ length: 2500 }, (_, n) => item(`run/${n}`))
    refusesAt = 1
    const storage = useKeptStorage()
    expect(await storage.remove(kept)).toMatchObject({ removed: 1000, refused: { code: 'disk.full' } })
    expect(storage.list.value?.items).toHaveLength(1500)
  })
})

it('a report holds no path', () => {
  const about: About = {
    name: 'Tunewright',
    version: '1.2.3',
    home: '/home/anna/.local/share/tunewright',
    host: 'browser',
    platform: 'linux 6.1 x64',
    processor: 'Example',
    physicalCores: 2,
    memoryBytes: 8e9,
    freeDiskBytes: 5e9,
  }
  const devices: DevicesView = {
    devices: [
      {
        id: 'cpu',
        isAvailable: true,
        missing: null,
        figure: {
          modelId: 'm',
          modelName: 'anna-letters',
          backend: 'onnxruntime-node 1.30.0 cpu',
          rows: 4,
          tokensPerRow: 256,
          stepMs: 4401.2,
          gflops: 41.234,
          peakBytes: 1.9e9,
          plannedBytes: 2e9,
          devicePeakBytes: null,
          stepWattHours: null,
          difference: 0,
          measuredAtMs: 0,
        },
        failure: null,
      },
      { id: 'tensorflow-cpu', isAvailable: false, missing: problem, figure: null, failure: null },
      { id: 'onnx-webgpu', isAvailable: true, missing: null, figure: null, failure: problem },
    ],
    graphicsCards: [
      {
        name: 'Example 7',
        vendor: 'nvidia',
        memoryBytes: 8e9,
        driver: '550.1',
        computeCapability: null,
        sentences: [],
      },
    ],
    chosen: 'cpu',
    reason: '',
    pinned: null,
  }
  const text = reportDetails(about, devices)
  expect(text).not.toContain('anna')
  expect(text).toContain('Tunewright 1.2.3 (browser)')
  expect(text.split('\n').slice(5)).toEqual([
    'Graphics card: Example 7, 8.0 GB, driver 550.1',
    'Device cpu: 41.2 GFLOP/s, a step of 4 x 256 tokens in 4401 ms, 1.9 GB, onnxruntime-node 1.30.0 cpu',
    'Device tensorflow-cpu: disk.full',
    'Device onnx-webgpu: failed, disk.full',
    'Computed on: cpu',
  ])
  expect(reportDetails(about, null)).toContain('Devices: not known')
})
