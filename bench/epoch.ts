// npm run bench:epoch: epochs over real rows of real lengths, ours as the product trains and Hugging Face PEFT with its
// default collator, turn by turn on this machine. Prints times, ratios and validation losses; asserts nothing.
import { rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Recipe } from '#shared/recipe.ts'
import {
  type EpochCase,
  type EpochData,
  type EpochFigures,
  openEpochCase,
  trainEpochs,
  usual,
} from './epoch-run.ts'
import { askPeer, findPeer, type Peer } from './peer/peer.ts'

type Base = Recipe['method']['base']

interface PeerFigures extends EpochFigures {
  readonly positionsPerEpoch: number
}

interface Report {
  readonly data: EpochData
  readonly trainRows: number
  readonly validationRows: number
  readonly tokens: number
  readonly longestTokens: number
  /** All layers. */
  readonly ours: EpochFigures
  /** The top third of the layers; what the others give is computed in the first epoch and read from the disk after it. */
  readonly cached: EpochFigures | null
  /** All layers on frozen weights in fewer bits. */
  readonly quantised: ReadonlyMap<Base, EpochFigures>
  readonly peer: PeerFigures | null
}

interface Wishes {
  readonly bases: readonly Base[]
  readonly rows: number
  readonly epochs: number
  readonly threads: number
  readonly checkpointing: boolean
  readonly hasCached: boolean
}

/** Of the starter model's 30 blocks. */
const topThird = 10

async function askAboutEpochs(peer: Peer, epochCase: EpochCase, wishes: Wishes): Promise<PeerFigures> {
  const { job, train, validation } = epochCase
  const rowsFile = join(job.cacheFolder, `epoch-rows-${process.pid}.json`)
  writeFileSync(rowsFile, JSON.stringify({ train, validation }))
  const { epochs, threads, checkpointing } = wishes
  const parameters = { ...usual, folder: job.modelFolder, rowsFile, epochs, threads, checkpointing }
  try {
    return await askPeer<PeerFigures>(peer, 'epoch', parameters)
  } finally {
    rmSync(rowsFile, { force: true })
  }
}

const seconds = (values: readonly number[]): string => values.map((ms) => (ms / 1000).toFixed(1)).join(', ')
const nats = (values: readonly number[]): string => values.map((value) => value.toFixed(4)).join(', ')

/** Prints a run as soon as it is over, and gives it back. */
function told<T extends EpochFigures>(name: string, figures: T): T {
  const losses = nats(figures.lossesNats)
  const memory = figures.peakMib.toFixed(0)
  console.log(`  ${name.padEnd(24)} s an epoch: ${seconds(figures.epochsMs)}; loss: ${losses}; ${memory} MiB`)
  return figures
}

async function measure(data: EpochData, peer: Peer | null, wishes: Wishes): Promise<Report> {
  const epochCase = await openEpochCase(data, wishes.rows, wishes.threads)
  const lengths = epochCase.train.map(({ ids }) => ids.length)
  const facts = {
    trainRows: lengths.length,
    validationRows: epochCase.validation.length,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longestTokens: Math.max(...lengths),
  }
  console.log(
    `${data}: ${facts.trainRows} rows, ${facts.tokens} tokens, the longest ${facts.longestTokens}; ` +
      `${facts.validationRows} rows to measure on.`,
  )
  const { epochs } = wishes
  const options = { gradientCheckpointing: wishes.checkpointing, base: 'float' } as const
  const allLayers = { ...options, epochs, topLayers: null, reuseFrozenLayers: false }
  const upper = { ...options, epochs: Math.max(2, epochs), topLayers: topThird, reuseFrozenLayers: true }
  const ours = told('ours', await trainEpochs(epochCase, allLayers))
  const theirs = peer ? told('PEFT', await askAboutEpochs(peer, epochCase, wishes)) : null
  const cached = wishes.hasCached
    ? told('ours, top third, reused', await trainEpochs(epochCase, upper))
    : null
  const quantised = new Map<Base, EpochFigures>()
  for (const base of wishes.bases)
    quantised.set(base, told(`ours, ${base} base`, await trainEpochs(epochCase, { ...allLayers, base })))
  rmSync(epochCase.job.runFolder, { recursive: true, force: true })
  return { data, ...facts, ours, cached, quantised, peer: theirs }
}

function printRatios({ ours, cached, quantised, peer }: Report): void {
  const fastest = ({ epochsMs }: EpochFigures): number => Math.min(...epochsMs)
  for (const [base, figures] of quantised) {
    const loss = figures.lossesNats.at(-1)! / ours.lossesNats.at(-1)!
    console.log(
      `  ${base} beside float: time ${(fastest(figures) / fastest(ours)).toFixed(2)}, loss ${loss.toFixed(4)}`,
    )
  }
  if (!peer) return
  console.log(`  PEFT computes ${peer.positionsPerEpoch} positions an epoch, padding included.`)
  console.log(`  times faster: ${(fastest(peer) / fastest(ours)).toFixed(2)}`)
  const later = cached?.epochsMs.slice(1) ?? []
  if (later.length > 0)
    console.log(`  times faster from the second epoch on: ${(fastest(peer) / Math.min(...later)).toFixed(2)}`)
}

const plain = (report: Report) => ({ ...report, quantised: Object.fromEntries(report.quantised) })

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      data: { type: 'string', default: 'spam,mt' },
      /** Of the file, before it is split; 'all' takes about an hour for each on two processors. */
      rows: { type: 'string', default: '160' },
      epochs: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
      checkpointing: { type: 'boolean', default: false },
      cached: { type: 'boolean', default: true },
      /** Frozen weights in fewer bits, one run for each: 'int4,nf4'. */
      bases: { type: 'string', default: '' },
    },
    allowNegative: true,
  })
  const wishes: Wishes = {
    rows: values.rows === 'all' ? Number.POSITIVE_INFINITY : Number(values.rows),
    epochs: Number(values.epochs),
    threads: Number(values.threads),
    checkpointing: values.checkpointing,
    hasCached: values.cached,
    bases: values.bases.split(',').filter((base) => base !== '') as Base[],
  }
  const peer = await findPeer()
  console.log(
    `LoRA r=8 on all linears of SmolLM2-135M, 8 rows a step, at most 512 tokens, ${wishes.threads} threads` +
      `${wishes.checkpointing ? ', checkpointing' : ''}; ours packed, ${peer ? `PEFT (${peer.versions}) padded` : 'alone'}.`,
  )
  console.log('Losses in nats a labelled token of the validation rows: ours also before the first step.')
  const reports: Report[] = []
  for (const data of values.data.split(',') as EpochData[]) {
    const report = await measure(data, peer, wishes)
    printRatios(report)
    reports.push(report)
    if (values.json)
      writeFileSync(values.json, `${JSON.stringify({ wishes, reports: reports.map(plain) }, null, 2)}\n`)
  }
}

await main()
