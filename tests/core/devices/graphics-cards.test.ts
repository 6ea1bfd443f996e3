// Graphics cards in words. There is no card here: the texts are of the form that NVIDIA's, Apple's and Windows' tools give,
// the folders are of the form of Linux' /sys. The asking itself is done with real programs.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readGraphics, readGraphicsOfComputer } from '#core/devices/graphics-cards.ts'
import { type Ask, askWithin } from '#core/devices/graphics-cards-asking.ts'
import { cardsOf, createCardPlaces, nextCard } from '#core/devices/graphics-cards-in-use.ts'
import { driverInKernel, isOlder } from '#core/devices/graphics-cards-nvidia.ts'
import { readUsage, sampleGraphics } from '#core/devices/graphics-cards-usage.ts'
import { missingOf } from '#core/devices/missing-devices.ts'
import type { Surroundings } from '#core/devices/surroundings.ts'
import { placesOf } from '#core/training/run-queue-slots.ts'
import { graphicsCard } from '#shared/contract/devices.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tunewright-graphics-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** A card on the bus as /sys has it. */
async function addPciCard(slot: string, files: Record<string, string>, driver: string | null): Promise<void> {
  const folder = join(root, 'sys/bus/pci/devices', slot)
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), `${text}\n`)
  if (driver === null) return
  const driverFolder = join(root, 'sys/bus/pci/drivers', driver)
  await mkdir(driverFolder, { recursive: true })
  await symlink(driverFolder, join(folder, 'driver'))
}

const h200 = { class: '0x030200', vendor: '0x10de', device: '0x2335' }
const radeon = { class: '0x030000', vendor: '0x1002', device: '0x744c', mem_info_vram_total: '25753026560' }
const kernelModule = (version: string): string =>
  `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n`

async function loadNvidiaDriver(version: string): Promise<void> {
  await mkdir(join(root, 'proc/driver/nvidia'), { recursive: true })
  await writeFile(join(root, 'proc/driver/nvidia/version'), kernelModule(version))
}

const says =
  (text: string, code = 0): Ask =>
  async () => ({ kind: 'said', code, text })
const absent: Ask = async () => ({ kind: 'absent' })
const onLinux = (ask: Ask) => readGraphics({ system: 'linux x64', ask, root })

describe('NVIDIA on Linux', () => {
  test('a card with everything it needs is told with the command that fetches the rest', async () => {
    await addPciCard('0000:17:00.0', h200, 'nvidia')
    const { cards, sentences } = await onLinux(says('NVIDIA H200, 143771 MiB, 580.95.05, 9.0\n'))
    expect(sentences).toEqual([])
    expect(cards).toEqual([
      {
        name: 'NVIDIA H200',
        vendor: 'nvidia',
        memoryBytes: 143_771 * 2 ** 20,
        driver: '580.95.05',
        computeCapability: '9.0',
        sentences: [
          'It can be trained on with CUDA: driver 580.95.05 and compute capability 9.0 are enough. What else it needs is fetched in the settings, or with: tunewright engines add tensorflow-cuda',
          'It multiplies in 16 bits (bfloat16) and in TF32 by itself: tensorflow-cuda-bf16 is its fastest way.',
        ],
      },
    ])
    expect(() => graphicsCard.parse(cards[0])).not.toThrow()
  })

  test('several cards are told in their order', async () => {
    const { cards } = await onLinux(
      says(
        'NVIDIA GeForce RTX 4090, 24564 MiB, 550.54.15, 8.9\nTesla V100-SXM2-16GB, 16384 MiB, 550.54.15, 7.0\nNVIDIA GB10, [N/A], 580.95.05, 12.1\n',
      ),
    )
    expect(cards.map(({ name, memoryBytes }) => [name, memoryBytes])).toEqual([
      ['NVIDIA GeForce RTX 4090', 24_564 * 2 ** 20],
      ['Tesla V100-SXM2-16GB', 2 ** 34],
      ['NVIDIA GB10', null],
    ])
    expect(cards[1]?.sentences.join(' ')).toContain('left out cards before 7.5')
    expect(cards[2]?.sentences.at(-1)).toContain('compiles what is missing at the first start')
  })

  test.each([
    [
      'Quadro RTX 4000, 8192 MiB, 470.223.02, 7.5',
      /driver 470.223.02 is too old .* 525.60.13 or newer.*ubuntu-drivers/,
    ],
    [
      'NVIDIA GeForce RTX 4090, 24564 MiB, 550.54.15, 8.9',
      /onnx-cuda\) needs more: CUDA 13, so driver 580.65.06/,
    ],
    ['NVIDIA GeForce GTX 980, 4096 MiB, 535.183.01, 5.2', /compute capability is 5.2, .* 6.0 and newer/],
    ['NVIDIA GeForce RTX 2060, 6144 MiB, 535.183.01, 7.5', /take tensorflow-cuda, not tensorflow-cuda-bf16/],
    ['NVIDIA A100, 40960 MiB, 535.183.01, [N/A]', /does not say what the card can compute/],
  ])('%s', async (line, words) => {
    const { cards } = await onLinux(says(`${line}\n`))
    expect(cards).toHaveLength(1)
    expect(cards[0]?.sentences.join(' ')).toMatch(words)
  })

  test('a tool that does not know of compute capability yet is asked for the rest', async () => {
    const asked: string[] = []
    const older: Ask = async (_, [query = '']) => {
      asked.push(query)
      return query.includes('compute_cap')
        ? { kind: 'said', code: 2, text: 'Field "compute_cap" is not a valid field to query.\n\n' }
        : { kind: 'said', code: 0, text: 'Tesla K80, 11441 MiB, 470.82.01\n' }
    }
    const { cards } = await onLinux(older)
    expect(asked).toHaveLength(2)
    expect(cards[0]).toMatchObject({ name: 'Tesla K80', driver: '470.82.01', computeCapability: null })
    expect(cards[0]?.sentences[0]).toContain('too old for CUDA 12')
  })

  test.each([
    ['nouveau', /system's own driver \(nouveau\), .*Install NVIDIA's driver and restart.*nvidia-driver/],
    [null, /No driver has it. Install NVIDIA's driver and restart/],
    ['vfio-pci', /handed on to a virtual machine/],
  ])('a card that the driver %s has: what to install', async (driver, words) => {
    await addPciCard('0000:17:00.0', h200, driver)
    const { cards } = await onLinux(absent)
    expect(cards).toMatchObject([{ vendor: 'nvidia', driver: null, name: 'NVIDIA graphics (PCI 10de:2335)' }])
    expect(cards[0]?.sentences[0]).toMatch(words)
  })

  test.each([
    ['no device', says('No devices were found\n', 6), /finds no card.*--gpus all/],
    [
      'an update while it ran',
      says('Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.163\n', 18),
      /updated while the computer ran.*Restart/,
    ],
    [
      'a tool that hangs',
      async () => ({ kind: 'silent' }) as const,
      /gives no answer .*Restart the computer/,
    ],
    ['nonsense', says('\u0000\u0001 segmentation fault\n', 139), /is not understood/],
    ['half an answer', says('NVIDIA H200, 143771 MiB, 570.86.15, 9.0\nNVIDIA H2'), /is not understood/],
    ['no tool', absent, /nvidia-smi is missing.*nvidia-utils-550/],
  ])('driver loaded, and %s: a sentence, and no card that can be used', async (_name, ask, words) => {
    await addPciCard('0000:17:00.0', h200, 'nvidia')
    await loadNvidiaDriver('550.54.15')
    const { cards, sentences, isFaulty } = await onLinux(ask)
    expect(isFaulty).toBe(true)
    expect(sentences).toHaveLength(1)
    expect(sentences[0]).toMatch(words)
    expect(cards).toMatchObject([
      { driver: '550.54.15', sentences: ['It cannot be used until its driver answers.'] },
    ])
  })

  test('a tool that was left behind by a driver that is gone is nothing to tell of', async () => {
    const gone = says(
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n",
      9,
    )
    expect(await onLinux(gone)).toEqual({
      cards: [],
      sentences: ['No graphics card that can compute was found: the processor does the work.'],
      isFaulty: false,
    })
  })
})

describe('other cards', () => {
  test("on Linux by the bus, with names of the system's list; displays of virtual machines do not count", async () => {
    await addPciCard('0000:03:00.0', radeon, 'amdgpu')
    await addPciCard('0000:00:02.0', { class: '0x030000', vendor: '0x8086', device: '0x46a6' }, null)
    await addPciCard('0000:00:01.0', { class: '0x030000', vendor: '0x1af4', device: '0x1050' }, 'virtio-pci')
    await addPciCard('0000:04:00.0', { class: '0x010802', vendor: '0x1002', device: '0x0001' }, 'nvme')
    await mkdir(join(root, 'usr/share/misc'), { recursive: true })
    await writeFile(
      join(root, 'usr/share/misc/pci.ids'),
      '# list\n1001  Kolter Electronic\n\t744c  another maker\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t7448  Navi 31 [Radeon Pro W7900]\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]\n\t\t1002 0e3b  RX 7900 GRE\n1003  ULSI Systems\n',
    )
    const { cards, sentences } = await onLinux(absent)
    expect(sentences).toEqual([])
    expect(cards.map(({ name, vendor, memoryBytes, driver }) => [name, vendor, memoryBytes, driver])).toEqual(
      [
        ['Intel graphics (PCI 8086:46a6)', 'intel', null, null],
        ['AMD Navi 31 [Radeon RX 7900 XT/7900 XTX]', 'amd', 25_753_026_560, 'amdgpu'],
      ],
    )
    expect(cards[0]?.sentences.at(-1)).toMatch(/^No driver of the system has it/)
    expect(cards[1]?.sentences).toEqual([
      "On Linux only WebGPU (onnx-webgpu) uses it here; AMD's ROCm is not built in.",
      expect.stringContaining('mesa-vulkan-drivers'),
    ])
  })

  test('on macOS', async () => {
    const apple = {
      SPDisplaysDataType: [
        {
          _name: 'Apple M2',
          spdisplays_mtlgpufamilysupport: 'spdisplays_metal3',
          spdisplays_ndrvs: [{ _name: 'Color LCD', _spdisplays_pixels: '2560 x 1664' }],
          spdisplays_vendor: 'sppci_vendor_Apple',
          sppci_bus: 'spdisplays_builtin',
          sppci_cores: '10',
          sppci_device_type: 'spdisplays_gpu',
          sppci_model: 'Apple M2',
        },
      ],
    }
    const ofApple = await readGraphics({ system: 'darwin arm64', ask: says(JSON.stringify(apple)), root })
    expect(ofApple.cards).toMatchObject([{ name: 'Apple M2', vendor: 'apple', memoryBytes: null }])
    expect(ofApple.cards[0]?.sentences.join(' ')).toMatch(/Core ML .*shares the computer's memory/)
    const intel = {
      SPDisplaysDataType: [
        {
          _name: 'kHW_AMDRadeonPro5500MItem',
          sppci_model: 'AMD Radeon Pro 5500M',
          spdisplays_vendor: 'sppci_vendor_amd',
          spdisplays_vram: '8 GB',
        },
      ],
    }
    const ofIntel = await readGraphics({ system: 'darwin x64', ask: says(JSON.stringify(intel)), root })
    expect(ofIntel.cards).toMatchObject([
      { name: 'AMD Radeon Pro 5500M', vendor: 'amd', memoryBytes: 2 ** 33 },
    ])
  })

  const geforce = {
    Name: 'NVIDIA GeForce RTX 4070',
    AdapterRAM: 4293918720,
    DriverVersion: '32.0.15.6094',
    PNPDeviceID: 'PCI\\VEN_10DE&DEV_2786&SUBSYS_88961043&REV_A1\\4&1A2B3C4D&0&0008',
    ConfigManagerErrorCode: 0,
  }
  const iris = {
    Name: 'Intel(R) Iris(R) Xe Graphics',
    AdapterRAM: 1073741824,
    DriverVersion: '31.0.101.5186',
    PNPDeviceID: 'PCI\\VEN_8086&DEV_46A6&SUBSYS_0B041028&REV_0C\\3&11583659&0&10',
    ConfigManagerErrorCode: 0,
  }
  const remote = {
    ...iris,
    Name: 'Microsoft Remote Display Adapter',
    PNPDeviceID: 'SWD\\REMOTEDISPLAYENUM\\1',
  }
  const onWindows = (answer: unknown, smi: Ask = absent) =>
    readGraphics({
      system: 'win32 x64',
      ask: (command, args) =>
        command === 'powershell.exe'
          ? says(`\uFEFF${JSON.stringify(answer)}\r\n`)(command, args)
          : smi(command, args),
      root,
    })

  test("on Windows: memory beyond what Windows can tell comes from NVIDIA's tool, the driver by its own number", async () => {
    const smi = says('NVIDIA GeForce RTX 4070, 12282 MiB, 560.94, 8.9\r\n')
    const { cards } = await onWindows([geforce, iris, remote], smi)
    expect(cards).toMatchObject([
      { vendor: 'nvidia', memoryBytes: 12_282 * 2 ** 20, driver: '560.94', computeCapability: '8.9' },
      { vendor: 'intel', memoryBytes: 2 ** 30, driver: '31.0.101.5186' },
    ])
    expect(cards[0]?.sentences).toEqual([
      'DirectML (onnx-directml) uses it, which comes along; so does WebGPU (onnx-webgpu).',
      'CUDA engines are offered on Linux only.',
    ])
    const alone = await onWindows(geforce)
    expect(alone.cards).toMatchObject([{ memoryBytes: null, driver: '560.94', computeCapability: null }])
  })

  test.each([
    [28, /has no driver/],
    [22, /switched off/],
    [43, /does not work \(code 43\)/],
  ])('on Windows: trouble %i', async (ConfigManagerErrorCode, words) => {
    const { cards } = await onWindows({ ...iris, ConfigManagerErrorCode })
    expect(cards[0]?.sentences).toHaveLength(1)
    expect(cards[0]?.sentences[0]).toMatch(words)
  })

  test.each(['win32 x64', 'darwin arm64'])('%s: an answer that is none is a sentence', async (system) => {
    for (const ask of [absent, says('<html>', 0), says('{"SPDisplaysDataType": 3}'), says('[{"Name": 3}]')])
      expect((await readGraphics({ system, ask, root })).sentences[0]).toMatch(/could not be read/)
  })

  test('Linux on ARM and Macs with Intel processors: no way is named that is not there', async () => {
    await addPciCard('0000:03:00.0', radeon, 'amdgpu')
    const smi = says('NVIDIA GB10, [N/A], 580.95.05, 12.1\n')
    const onArm = await readGraphics({ system: 'linux arm64', ask: smi, root })
    const mac = says('{"SPDisplaysDataType":[{"sppci_model":"Iris","spdisplays_vendor":"Intel"}]}')
    const onMac = await readGraphics({ system: 'darwin x64', ask: mac, root })
    expect(onArm.cards.map(({ vendor }) => vendor)).toEqual(['nvidia', 'amd'])
    for (const { sentences } of [...onArm.cards, ...onMac.cards]) {
      expect(sentences.at(-1)).toMatch(/^Nothing of Tunewright uses it on (linux arm64|darwin x64):/)
      expect(sentences.join(' ')).not.toMatch(/onnx-|Vulkan/)
    }
  })

  test('a system that is not known has no cards', async () => {
    expect(await readGraphics({ system: 'freebsd x64', ask: absent, root })).toMatchObject({ cards: [] })
  })
})

test('this computer itself is read without a fault', async () => {
  const { cards, sentences } = await readGraphicsOfComputer()
  for (const card of cards) expect(() => graphicsCard.parse(card)).not.toThrow()
  expect(cards.length + sentences.length).toBeGreaterThan(0)
})

describe('asking a program', () => {
  const node = (script: string, ms = 20_000) => askWithin(process.execPath, ['-e', script], ms)
  test('takes what it says on both outputs, with its code', async () => {
    const asked = await node('console.log("a"); console.error("b"); process.exitCode = 3')
    expect(asked).toMatchObject({ kind: 'said', code: 3 })
    expect((asked as { text: string }).text.split('\n').sort().join('')).toBe('ab')
  })
  test('one that hangs is ended', async () => {
    expect(await node('setInterval(() => {}, 1000)', 300)).toEqual({ kind: 'silent' })
  })
  test('one that never stops talking is ended', async () => {
    expect(await node('const say = () => process.stdout.write("x".repeat(50000), say); say()')).toMatchObject(
      {
        kind: 'said',
        code: null,
      },
    )
  })
  test('one that is not there', async () => {
    expect(await askWithin('tunewright-no-such-program', [], 1_000)).toEqual({ kind: 'absent' })
  })
})

test('versions are compared part by part', () => {
  expect(isOlder('525.60.9', '525.60.13')).toBe(true)
  expect(isOlder('525.60.13', '525.60.13')).toBe(false)
  expect(isOlder('1000.1', '525.60.13')).toBe(false)
  expect(isOlder('10.0', '9.0')).toBe(false)
  expect(driverInKernel(kernelModule('470.223.02'))).toBe('470.223.02')
  expect(
    driverInKernel(
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs-builder@U16)\n',
    ),
  ).toBe('570.124.06')
})

describe('use of a card while something runs', () => {
  test('is read of each card', () => {
    expect(readUsage('1201 MiB, 87.50 W\n5 MiB, [N/A]\n')).toEqual({
      bytes: [1201 * 2 ** 20, 5 * 2 ** 20],
      watts: 87.5,
    })
    expect(readUsage('[N/A], [N/A]')).toBeNull()
    expect(readUsage('')).toBeNull()
  })

  test('counts the memory above that of the first look, and the mean power', async () => {
    const answers = ['1000 MiB, 50.00 W\n', '3000 MiB, 150.00 W\n', '2000 MiB, 100.00 W\n']
    let at = 0
    const tool: Ask = async () => ({ kind: 'said', code: 0, text: answers[Math.min(at++, 2)]! })
    const sampler = sampleGraphics(tool, 5)
    await sampler.isReady
    while (at < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    const { peakBytes, watts } = await sampler.stop()
    expect(peakBytes).toBe(2000 * 2 ** 20)
    expect(watts).toBeGreaterThanOrEqual(100)
  })

  test('is not known without the tool', async () => {
    const sampler = sampleGraphics(absent, 5)
    await sampler.isReady
    expect(await sampler.stop()).toEqual({ peakBytes: null, watts: null })
  })
})

describe('runs at the same time', () => {
  const card = (vendor: 'nvidia' | 'amd', driver: string | null = '570.1') => ({
    name: vendor,
    vendor,
    memoryBytes: null,
    driver,
    computeCapability: null,
    sentences: [],
  })
  const two = [card('nvidia'), card('amd'), card('nvidia'), card('nvidia', null)]

  test('only cards that can be chosen, and that can compute what the device needs', () => {
    expect(cardsOf('tensorflow-cuda-bf16', two, {})).toEqual([0, 1])
    expect(cardsOf('onnx-directml', two, {})).toEqual([])
    expect(cardsOf('onnx-directml', [card('amd'), card('amd')], {})).toEqual([0, 1])
    expect(cardsOf('onnx-webgpu', two, {})).toEqual([])
    expect(cardsOf('cpu', two, {})).toEqual([])
  })

  test('an old card beside a good one is never taken, and the good one is named', () => {
    const [old, good] = ['5.2', '9.0'].map((computeCapability) => ({ ...card('nvidia'), computeCapability }))
    expect(cardsOf('tensorflow-cuda-bf16', [old!, good!], {})).toEqual([1])
    expect(cardsOf('tensorflow-cuda-bf16', [good!, old!, good!], {})).toEqual([0, 2])
    const places = createCardPlaces()
    expect(places.take('a', 'tensorflow-cuda-bf16', [old!, good!])).toBe(1)
    expect(places.take('a', 'tensorflow-cuda-bf16', [old!, good!])).toBe(1)
    expect(placesOf('tensorflow-cuda-bf16', [old!, good!])).toEqual([{ slot: 'card 1', card: 1 }])
  })

  test('nothing is chosen where there is one card, or where a person chose', () => {
    expect(cardsOf('tensorflow-cuda', [card('nvidia')], {})).toEqual([])
    expect(cardsOf('tensorflow-cuda', two, { CUDA_VISIBLE_DEVICES: '0' })).toEqual([])
    expect(placesOf('tensorflow-cuda', [card('nvidia')])).toEqual([{ slot: 'card 0', card: null }])
  })

  test('take different cards, and the least burdened one where there are more runs than cards', () => {
    expect(nextCard([], [])).toBeUndefined()
    expect(nextCard([0, 1, 2], [0])).toBe(1)
    expect(nextCard([0, 1, 2], [0, 1, 2, 0])).toBe(1)
    expect(nextCard([0, 1], [1], [0])).toBe(1)
    expect(nextCard([2], [2], [2])).toBe(2)
  })

  test('a run that failed on a card takes another one, and leaves its own to others', () => {
    const places = createCardPlaces()
    expect(places.take('a', 'tensorflow-cuda', two)).toBe(0)
    expect(places.take('b', 'tensorflow-cuda', two)).toBe(1)
    expect(places.take('a', 'tensorflow-cuda', two)).toBe(1)
    expect(places.take('c', 'tensorflow-cuda', two)).toBe(0)
    places.leave('a')
    places.leave('b')
    expect(places.take('d', 'tensorflow-cuda', two)).toBe(1)
    expect(places.take('e', 'cpu', two)).toBeUndefined()
  })
})

describe('what keeps a device of CUDA from being used', () => {
  const around = (driver: string | null, computeCapability: string | null): Surroundings => ({
    system: 'linux x64',
    processor: 'p',
    hasBfloat16Products: false,
    cards: [
      {
        name: 'a card',
        vendor: 'nvidia',
        memoryBytes: null,
        driver,
        computeCapability,
        sentences: ['Do this.'],
      },
    ],
    graphicsSentences: [],
    engineProblems: new Map(),
  })

  test.each([
    ['tensorflow-cuda', null, null, 'Do this.'],
    ['tensorflow-cuda', '470.223.02', '7.5', /too old for CUDA 12/],
    ['tensorflow-cuda', '570.1', '5.2', /too old for CUDA 12 training/],
    ['onnx-cuda', '570.1', '9.0', /too old for CUDA 13, which needs 580.65.06/],
    ['onnx-cuda', '590.1', '7.0', /too old for CUDA 13 training/],
    ['tensorflow-cuda-bf16', '570.1', '7.5', /take tensorflow-cuda,/],
  ] as const)('%s with driver %s and capability %s', (device, driver, capability, remedy) => {
    const problem = missingOf(device, around(driver, capability))
    expect(problem).toMatchObject({
      code: 'device.missing',
      where: device,
      remedy: expect.stringMatching(remedy),
    })
  })

  test.each([
    ['tensorflow-cuda', '570.1', '7.5'],
    ['onnx-cuda', '590.1', '7.5'],
    ['tensorflow-cuda-bf16', '570.1', '8.0'],
    ['tensorflow-cuda-bf16', '570.1', null],
  ] as const)('nothing: %s with driver %s and capability %s', (device, driver, capability) => {
    expect(missingOf(device, around(driver, capability))).toBeNull()
  })
})
