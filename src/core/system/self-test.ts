// A self-test in a minute, for the first start and for `tunewright doctor`. Every tick is something that was really done
// on this computer; a check that throws is a check that failed, in its own words.
import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { SelfTestCheck } from '#shared/contract/index.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { listModels } from '../models/model-library.ts'
import { writeFileDurably } from './durable-files.ts'
import type { Launcher, ProcessName } from './launcher.ts'
import type { Library } from './library.ts'
import { describeMachine } from './machine.ts'

export interface SelfTestPorts {
  readonly library: Library
  readonly launcher: Launcher
  /** The journal for reading; may throw a ProblemError. */
  readonly reader: () => JournalReader
  /** Whether this process can write to it. Another Tunewright that has it open (`journal.locked`) is no fault. */
  readonly canWrite: () => Result<unknown>
}

type Outcome = Pick<SelfTestCheck, 'isGood' | 'detail'>
type Check = readonly [id: SelfTestCheck['id'], work: () => Outcome | Promise<Outcome>]

const neededDiskBytes = 3e9
const neededMemoryBytes = 3e9
const launchLimitMs = 20_000

/** Runs the checks one after the other; `onStart` and `onCheck` tell of each. */
export async function runSelfTest(
  ports: SelfTestPorts,
  onCheck: (check: SelfTestCheck) => void,
  onStart: (id: SelfTestCheck['id']) => void = () => {},
): Promise<SelfTestCheck[]> {
  const checks: SelfTestCheck[] = []
  for (const [id, work] of checksOf(ports)) {
    onStart(id)
    const startedMs = performance.now()
    let outcome: Outcome
    try {
      outcome = await work()
    } catch (error) {
      outcome = { isGood: false, detail: error instanceof Error ? error.message : String(error) }
    }
    const check = { id, ...outcome, seconds: (performance.now() - startedMs) / 1000 }
    checks.push(check)
    onCheck(check)
  }
  return checks
}

function checksOf(ports: SelfTestPorts): Check[] {
  const { library, launcher } = ports
  return [
    ['computer', checkComputer],
    ['disk', () => checkDisk(library)],
    ['journal', () => checkJournal(ports)],
    ['trainer', () => launchAndRefuse(launcher, 'trainer')],
    ['scorer', () => launchAndRefuse(launcher, 'scorer')],
    ['generator', () => launchAndRefuse(launcher, 'generator')],
    ['models', () => checkModels(library)],
  ]
}

function checkComputer(): Outcome {
  const { processor, physicalCores, memoryBytes, platform } = describeMachine()
  return {
    isGood: memoryBytes >= neededMemoryBytes,
    detail: `${processor}, ${physicalCores} cores, ${formatBytes(memoryBytes)} memory, ${platform}, Node ${process.versions.node}`,
  }
}

async function checkDisk(library: Library): Promise<Outcome> {
  const path = join(library.home, 'doctor.txt')
  await writeFileDurably(path, 'written, flushed and renamed')
  await rm(path)
  const { bavail, bsize } = await statfs(library.home)
  return {
    isGood: bavail * bsize >= neededDiskBytes,
    detail: `${formatBytes(bavail * bsize)} free in ${library.home}`,
  }
}

function checkJournal({ reader, canWrite }: SelfTestPorts): Outcome {
  const writing = canWrite()
  if (!writing.ok && writing.problem.code !== 'journal.locked') unwrap(writing)
  const report = unwrap(reader().verifyAll())
  const faults = report.damage.length + report.brokenRuns.length + report.changedMeasurements.length
  const other = writing.ok ? '' : '; another Tunewright is writing to it'
  return {
    isGood: faults === 0,
    detail:
      faults === 0
        ? `opens, is durable and every entry verifies${other}`
        : `${faults} faults found: ${JSON.stringify(report)}`,
  }
}

async function checkModels(library: Library): Promise<Outcome> {
  const { models, damaged } = await listModels(library)
  const names = models.map((model) => model.name).join(', ')
  return {
    isGood: damaged.length === 0,
    detail:
      damaged.length > 0
        ? damaged.map((problem) => problem.message).join(' ')
        : names || 'none yet: tunewright models add starter',
  }
}

/** The child starts, loads its native parts and answers a message that is no job with a refusal: all of that must work. */
function launchAndRefuse(launcher: Launcher, name: ProcessName): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = launcher.launch(name)
    const timer = setTimeout(() => child.kill(), launchLimitMs)
    let answer = ''
    child.onMessage((message) => {
      const text = JSON.stringify(message)
      if (text.includes('"failed"')) answer = text
      child.kill()
    })
    child.onExit((exit) => {
      clearTimeout(timer)
      resolve(
        answer
          ? { isGood: true, detail: 'starts and answers' }
          : { isGood: false, detail: `no answer; ${exit.lastWords || `code ${exit.code}`}` },
      )
    })
    child.send({ kind: 'self-test' })
  })
}
