// The graphics cards of this computer, as facts and in words: model, memory, driver, what can be done with each and what is
// missing. What cannot be read is a sentence; nothing here fails.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GraphicsCard } from '#shared/contract/devices.ts'
import { type Ask, askSystem } from './graphics-cards-asking.ts'
import { type PciCard, readPciCards } from './graphics-cards-linux.ts'
import {
  driverInKernel,
  isOlderTool,
  type NvidiaAnswer,
  nvidiaQuery,
  olderNvidiaQuery,
  readNvidiaSmi,
} from './graphics-cards-nvidia.ts'
import { macCommand, readMacCards, readWindowsCards, windowsCommand } from './graphics-cards-systems.ts'
import {
  idleNvidiaSentences,
  macSentences,
  noCardSentence,
  nvidiaSentences,
  openDriverSentences,
  type SystemName,
  switchedOff,
  troubleSentence,
  windowsSentences,
} from './graphics-cards-words.ts'

export interface GraphicsReport {
  readonly cards: readonly GraphicsCard[]
  /** About the computer as a whole: there is no card, or a driver that does not answer. */
  readonly sentences: readonly string[]
  /** There is a driver that does not do its work. */
  readonly isFaulty: boolean
}

/** Where facts come from. */
export interface GraphicsSource {
  readonly system: SystemName
  readonly ask: Ask
  /** Folder that stands for "/" on Linux. */
  readonly root: string
}

const here: GraphicsSource = { system: `${process.platform} ${process.arch}`, ask: askSystem, root: '/' }

export async function readGraphics(source: GraphicsSource): Promise<GraphicsReport> {
  const read = readers[source.system.split(' ')[0] ?? '']
  const report = read === undefined ? nothing : await read(source)
  const isEmpty = report.cards.length + report.sentences.length === 0
  return isEmpty ? { ...report, sentences: [noCardSentence] } : report
}

const nothing: GraphicsReport = { cards: [], sentences: [], isFaulty: false }
const unreadable: GraphicsReport = {
  ...nothing,
  sentences: [
    'What graphics cards there are could not be read from the system; the processor does the work.',
  ],
}

/** A driver is not changed often: what was read of this computer counts so long. */
const keptMs = 60_000
let kept: { readonly atMs: number; readonly report: Promise<GraphicsReport> } | null = null

/** Of this computer; read once a minute at most, however often it is asked. */
export function readGraphicsOfComputer(): Promise<GraphicsReport> {
  const atMs = performance.now()
  if (kept === null || atMs - kept.atMs > keptMs) kept = { atMs, report: readGraphics(here) }
  return kept.report
}

const readers: Readonly<Record<string, (source: GraphicsSource) => Promise<GraphicsReport>>> = {
  linux: readLinux,
  darwin: readMac,
  win32: readWindows,
}

async function askNvidia(ask: Ask, tools: readonly string[]): Promise<NvidiaAnswer> {
  for (const tool of tools) {
    const first = await ask(tool, nvidiaQuery)
    const asked = isOlderTool(first) ? await ask(tool, olderNvidiaQuery) : first
    if (asked.kind !== 'absent') return readNvidiaSmi(asked)
  }
  return { state: 'no-tool' }
}

async function readLinux({ system, ask, root }: GraphicsSource): Promise<GraphicsReport> {
  const onBus = await readPciCards(root)
  const inKernel = driverInKernel(
    await readFile(join(root, 'proc/driver/nvidia/version'), 'utf8').catch(() => ''),
  )
  // The second is where Windows puts it for its Linux.
  const answer = await askNvidia(ask, ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'])
  const told = answer.state === 'cards' ? nvidiaCards(answer.cards, system) : []
  const trouble = answer.state === 'cards' ? null : troubleSentence(answer.state, inKernel)
  const untold = onBus.filter(
    ({ vendor, driver }) => vendor !== 'nvidia' || told.length === 0 || driver !== 'nvidia',
  )
  return {
    cards: [...told, ...untold.map((card) => pciCard(card, inKernel, system))],
    sentences: trouble === null ? [] : [trouble],
    isFaulty: trouble !== null,
  }
}

const nvidiaCards = (
  cards: Extract<NvidiaAnswer, { state: 'cards' }>['cards'],
  system: SystemName,
): GraphicsCard[] =>
  cards.map((card) => ({ ...card, vendor: 'nvidia', sentences: nvidiaSentences({ ...card, system }) }))

function pciCard(
  { vendor, name, memoryBytes, driver }: PciCard,
  inKernel: string | null,
  system: SystemName,
): GraphicsCard {
  const isServed = vendor === 'nvidia' && driver === 'nvidia'
  return {
    name,
    vendor,
    memoryBytes,
    // Of an NVIDIA card only NVIDIA's own driver counts.
    driver: isServed ? inKernel : vendor === 'nvidia' ? null : driver,
    computeCapability: null,
    // Where NVIDIA's driver has the card, what is wrong is said of the whole computer.
    sentences:
      vendor !== 'nvidia'
        ? openDriverSentences(vendor, driver, system)
        : isServed
          ? ['It cannot be used until its driver answers.']
          : idleNvidiaSentences(driver, system),
  }
}

async function readMac({ system, ask }: GraphicsSource): Promise<GraphicsReport> {
  const asked = await ask(...macCommand)
  const cards = asked.kind === 'said' ? readMacCards(asked.text) : null
  if (cards === null) return unreadable
  return { ...nothing, cards: cards.map((card) => ({ ...card, sentences: macSentences(system) })) }
}

async function readWindows({ system, ask }: GraphicsSource): Promise<GraphicsReport> {
  const asked = await ask(...windowsCommand)
  const found = asked.kind === 'said' ? readWindowsCards(asked.text) : null
  if (found === null) return unreadable
  const answer = found.some(({ vendor }) => vendor === 'nvidia') ? await askNvidia(ask, ['nvidia-smi']) : null
  const told = answer?.state === 'cards' ? [...answer.cards] : []
  const cards = found.map(({ trouble, ...facts }): GraphicsCard => {
    // Windows names memory up to 4 GiB only; NVIDIA's tool names all of it.
    const at = facts.vendor === 'nvidia' ? told.findIndex(({ name }) => name === facts.name) : -1
    const more = at < 0 ? {} : told.splice(at, 1)[0]
    return {
      ...facts,
      ...more,
      sentences: [...windowsSentences(trouble), ...(trouble === 0 ? cudaWords(facts.vendor, system) : [])],
    }
  })
  return {
    ...nothing,
    cards,
    isFaulty: found.some(({ trouble }) => trouble !== 0 && trouble !== switchedOff),
  }
}

const cudaWords = (vendor: GraphicsCard['vendor'], system: SystemName): string[] =>
  vendor === 'nvidia' && !system.startsWith('linux') ? ['CUDA engines are offered on Linux only.'] : []
