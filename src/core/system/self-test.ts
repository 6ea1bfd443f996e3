// A self-test in a minute, for the first start and for `tunewright doctor`. Every tick is something that was really done
// on this computer; a check that throws is a check that failed, and the others go on.
import { readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { SelfTestCheck, SelfTestCheckId } from '#shared/contract/index.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { detailsOf, faultOf, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { readWholeJournal } from '../archive/read-whole-journal.ts'
import { type GraphicsReport, readGraphicsOfComputer } from '../devices/graphics-cards.ts'
import { listModels } from '../models/model-library.ts'
import { writeFileDurably } from './durable-files.ts'
import type { ChildExit, Launcher, ProcessName } from './launcher.ts'
import type { Library } from './library.ts'
import { describeMachine } from './machine.ts'

export interface SelfTestPorts {
  readonly library: Library
  readonly launcher: Launcher
  /** Whether this process can write to it. Another Tunewright that has it open (`journal.locked`) is no fault. */
  readonly canWrite: () => Result<unknown>
  /** Left out, those of this computer. */
  readonly readGraphics?: () => Promise<GraphicsReport>
}

type Outcome = Pick<SelfTestCheck, 'detail' | 'problem'>
type Check = readonly [id: SelfTestCheckId, work: () => Outcome | Promise<Outcome>]

const neededDiskBytes = 3e9
const neededMemoryBytes = 3e9
const launchLimitMs = 20_000

/** Runs the checks one after the other; `onStart` and `onCheck` tell of each. */
export async function runSelfTest(
  ports: SelfTestPorts,
  onCheck: (check: SelfTestCheck) => void,
  onStart: (id: SelfTestCheckId) => void = () => {},
): Promise<SelfTestCheck[]> {
  const checks: SelfTestCheck[] = []
  for (const [id, work] of checksOf(ports)) {
    onStart(id)
    const startedMs = performance.now()
    let outcome: Outcome
    try {
      outcome = await work()
    } catch (error) {
      outcome = failed(problemOf(error, ports.library, id))
    }
    const check = { id, ...outcome, seconds: (performance.now() - startedMs) / 1000 }
    checks.push(check)
    onCheck(check)
  }
  return checks
}

const good = (detail: string): Outcome => ({ detail, problem: null })
const failed = (problem: Problem): Outcome => ({ detail: problem.message, problem })

/** The core's own writing throws Problems; what is left of the system's errors comes from reading a folder. */
function problemOf(error: unknown, library: Library, id: SelfTestCheckId): Problem {
  if (error instanceof ProblemError) return error.problem
  if (typeof (error as NodeJS.ErrnoException).code !== 'string') return faultOf(id, error)
  return {
    code: 'file.unreadable',
    message: 'A folder that Tunewright keeps its files in could not be read.',
    where: library.home,
    remedy: 'Check that the folder is there and that you may read it, then start Tunewright again.',
    details: detailsOf(error),
  }
}

function checksOf(ports: SelfTestPorts): Check[] {
  const { library, launcher, readGraphics = readGraphicsOfComputer } = ports
  return [
    ['computer', checkComputer],
    ['graphics', () => checkGraphics(readGraphics)],
    ['disk', () => checkDisk(library)],
    ['journal', () => checkJournal(ports)],
    ['trainer', () => launchAndRefuse(launcher, 'trainer', 'trainer.crashed')],
    ['scorer', () => launchAndRefuse(launcher, 'scorer', 'scorer.failed')],
    ['generator', () => launchAndRefuse(launcher, 'generator', 'generator.failed')],
    ['models', () => checkModels(library)],
  ]
}

function checkComputer(): Outcome {
  const { processor, physicalCores, memoryBytes } = describeMachine()
  const cores = physicalCores === 1 ? '1 core' : `${physicalCores} cores`
  const detail = `${processor}, ${cores}, ${formatBytes(memoryBytes)} memory`
  if (memoryBytes >= neededMemoryBytes) return good(detail)
  return failed({
    code: 'memory.too-small',
    message: `This computer has ${formatBytes(memoryBytes)} of memory; training needs about ${formatBytes(neededMemoryBytes)}.`,
    where: processor,
    remedy:
      'Close other programs and begin with the smallest model. A computer with more memory goes further.',
    details: detail,
  })
}

/** That there is no card is no fault; a driver that does not answer is one. */
async function checkGraphics(readGraphics: () => Promise<GraphicsReport>): Promise<Outcome> {
  const { cards, sentences, isFaulty } = await readGraphics()
  const names = cards.map(({ name, memoryBytes }) =>
    memoryBytes === null ? name : `${name}, ${formatBytes(memoryBytes)}`,
  )
  const detail = [names.join('; '), ...sentences].filter((part) => part !== '').join(' ')
  if (!isFaulty) return good(detail)
  return failed({
    code: 'device.missing',
    message: 'There is a graphics card whose driver does not work; the processor does the work.',
    where: names.join('; ') || 'graphics card',
    remedy: (sentences.length > 0 ? sentences : cards.flatMap((card) => card.sentences)).join(' '),
  })
}

async function checkDisk(library: Library): Promise<Outcome> {
  const path = join(library.home, 'doctor.txt')
  await writeFileDurably(path, 'written, flushed and renamed')
  await rm(path)
  const { bavail, bsize } = await statfs(library.home)
  const freeBytes = bavail * bsize
  if (freeBytes >= neededDiskBytes) return good(`${formatBytes(freeBytes)} free in ${library.home}`)
  return failed({
    code: 'disk.full',
    message: `Only ${formatBytes(freeBytes)} are free on this disk; a model and a run need about ${formatBytes(neededDiskBytes)}.`,
    where: library.home,
    remedy: 'Free some space on this disk, then run the test again.',
  })
}

/** Read by a process of its own: a large journal takes minutes, and the core has runs to follow meanwhile. */
async function checkJournal({ library, launcher, canWrite }: SelfTestPorts): Promise<Outcome> {
  const writing = canWrite()
  if (!writing.ok && writing.problem.code !== 'journal.locked') unwrap(writing)
  const faults = unwrap(await readWholeJournal(launcher, library.journalPath))
  if (faults.length === 0)
    return good(
      `opens, survives a power cut (durable), and every entry is unchanged (checksums)${writing.ok ? '' : '; another Tunewright is writing to it'}`,
    )
  return failed({
    code: 'journal.corrupt',
    message:
      faults.length === 1
        ? 'One thing in the journal of your runs is not what was written.'
        : `${faults.length} things in the journal of your runs are not what was written.`,
    where: library.journalPath,
    remedy:
      'Do not trust what is named here; the rest is sound. To go back to a backup: Settings, Journal, or close Tunewright and run: tunewright journal restore --backup NAME (the names: tunewright journal backups).',
    faults,
    details: JSON.stringify(faults),
  })
}

async function checkModels(library: Library): Promise<Outcome> {
  // A list takes a folder that is gone for one without models.
  await readdir(library.modelsFolder)
  const { models, damaged } = await listModels(library)
  const names = models.map((model) => model.name).join(', ')
  const [first] = damaged
  if (first === undefined) return good(names || 'none yet')
  if (damaged.length === 1) return failed(first)
  return failed({
    ...first,
    message: `${damaged.length} models are damaged.`,
    faults: damaged.map(({ where, message }) => ({ where, message })),
  })
}

/** The child starts, loads its native parts and answers a message that is no job with a refusal: all of that must work. */
function launchAndRefuse(launcher: Launcher, name: ProcessName, code: ProblemCode): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = launcher.launch(name)
    const timer = setTimeout(() => child.kill(), launchLimitMs)
    let hasAnswered = false
    child.onMessage((message) => {
      hasAnswered ||= JSON.stringify(message).includes('"failed"')
      child.kill()
    })
    child.onExit((exit) => {
      clearTimeout(timer)
      resolve(hasAnswered ? good('starts and answers') : failed(noAnswer(name, code, exit)))
    })
    child.send({ kind: 'self-test' })
  })
}

const noAnswer = (name: ProcessName, code: ProblemCode, exit: ChildExit): Problem => ({
  code,
  message: 'This part of Tunewright did not start.',
  where: name,
  remedy:
    'Close other programs and run the test again. If it stays so, install Tunewright again and look whether a virus scanner holds back a file of it.',
  details: exit.lastWords || `code ${exit.code}, signal ${exit.signal}`,
})
