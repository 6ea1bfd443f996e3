// doctor: a self-test in a minute. Every tick is something that was really done on this computer.
import { rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { listModels } from '#core/models/model-library.ts'
import { writeFileDurably } from '#core/system/durable-files.ts'
import type { ProcessName } from '#core/system/launcher.ts'
import { describeMachine } from '#core/system/machine.ts'
import { attempt, ProblemError, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { type Application, appVersion } from '../application.ts'
import { exitCodes } from '../output.ts'

interface Check {
  readonly title: string
  readonly isGood: boolean
  readonly detail: string
  readonly seconds: number
}

const neededDiskBytes = 3e9
const neededMemoryBytes = 3e9
const launchLimitMs = 20_000

/** Runs every check, prints them and fails the command if one of them failed. */
export async function runDoctor(application: Application): Promise<void> {
  const checks: Check[] = []
  for (const [title, work] of checksOf(application)) {
    application.output.progress(`${title}…`)
    const startedMs = performance.now()
    let outcome: { isGood: boolean; detail: string }
    try {
      outcome = await work()
    } catch (error) {
      outcome = { isGood: false, detail: error instanceof Error ? error.message : String(error) }
    }
    const check = { title, ...outcome, seconds: (performance.now() - startedMs) / 1000 }
    checks.push(check)
    application.output.line(
      `${check.isGood ? '✓' : '✗'} ${title}: ${check.detail} (${check.seconds.toFixed(1)} s)`,
    )
  }
  application.output.result({ version: appVersion, checks })
  if (checks.some((check) => !check.isGood)) application.setExitCode(exitCodes.problem)
}

type Work = () => Promise<{ isGood: boolean; detail: string }>

function checksOf(application: Application): [string, Work][] {
  const { library } = application
  return [
    [
      'Computer',
      async () => {
        const machine = describeMachine()
        return {
          isGood: machine.memoryBytes >= neededMemoryBytes,
          detail: `${machine.processor}, ${machine.physicalCores} cores, ${formatBytes(machine.memoryBytes)} memory, ${machine.platform}, Node ${process.versions.node}`,
        }
      },
    ],
    [
      'Disk',
      async () => {
        const path = join(library.home, 'doctor.txt')
        await writeFileDurably(path, 'written, flushed and renamed')
        rmSync(path)
        const { bavail, bsize } = statfsSync(library.home)
        return {
          isGood: bavail * bsize >= neededDiskBytes,
          detail: `${formatBytes(bavail * bsize)} free in ${library.home}`,
        }
      },
    ],
    [
      'Journal',
      async () => {
        const writer = attempt(() => application.writer())
        if (!writer.ok && writer.problem.code !== 'journal.locked') throw new ProblemError(writer.problem)
        const report = unwrap(application.reader().verifyAll())
        const faults = report.damage.length + report.brokenRuns.length + report.changedMeasurements.length
        return {
          isGood: faults === 0,
          detail:
            faults === 0
              ? `opens, is durable and every entry verifies${writer.ok ? '' : '; another Tunewright is writing to it'}`
              : `${faults} faults found: ${JSON.stringify(report)}`,
        }
      },
    ],
    ['Training process', () => launchAndRefuse(application, 'trainer')],
    ['Scoring process', () => launchAndRefuse(application, 'scorer')],
    ['Answering process', () => launchAndRefuse(application, 'generator')],
    [
      'Models',
      async () => {
        const { models, damaged } = await listModels(library)
        const names = models.map((model) => model.name).join(', ')
        return {
          isGood: damaged.length === 0,
          detail:
            damaged.length > 0
              ? damaged.map((problem) => problem.message).join(' ')
              : names || 'none yet: tunewright models add starter',
        }
      },
    ],
  ]
}

/** The child starts, loads its native parts and answers a message that is no job with a refusal: all of that must work. */
function launchAndRefuse(
  application: Application,
  name: ProcessName,
): Promise<{ isGood: boolean; detail: string }> {
  return new Promise((resolve) => {
    const child = application.launcher.launch(name)
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
