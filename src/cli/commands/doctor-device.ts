// doctor --device: what is known of a device, whether it is here, and whether it computes right; with --full also the whole
// suite of the repository, or, where only the program is there, a real step beside the processor's.
import { type CheckedDevice, checkDevice } from '#core/devices/check-device.ts'
import { type GraphicsReport, readGraphicsOfComputer } from '#core/devices/graphics-cards.ts'
import { devicesAround } from '#core/devices/known-devices.ts'
import { measureDevices } from '#core/devices/measure-devices.ts'
import { lookAround } from '#core/devices/surroundings.ts'
import type { DeviceFigure } from '#shared/contract/devices.ts'
import { deviceName } from '#shared/device-names.ts'
import { type DeviceFacts, type DeviceId, deviceFacts, deviceIds } from '#shared/devices.ts'
import { describeProblem, type Problem, ProblemError } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { runDeviceSuite } from '../device-suite.ts'
import { exitCodes } from '../output.ts'

interface DeviceReport {
  readonly device: DeviceId
  readonly facts: DeviceFacts
  /** Why it is not here or does not compute right; null where nothing is wrong. */
  readonly problem: Problem | null
  readonly check: CheckedDevice | null
  /** With --full: of the suite, its exit code; null where it was not run. */
  readonly suiteExitCode: number | null
  readonly figure: DeviceFigure | null
}

interface DoctorOptions {
  readonly isFull: boolean
  /** Left out, that of the repository, where it is there. */
  readonly runSuite?: typeof runDeviceSuite
}

/** The devices that a person means: an id, or a part of ids such as "cuda". */
function devicesNamed(text: string): readonly DeviceId[] {
  const exact = deviceIds.find((id) => id === text)
  const found = exact ? [exact] : deviceIds.filter((id) => id.split('-').includes(text))
  if (found.length > 0) return found
  throw new ProblemError({
    code: 'usage.invalid',
    message: `There is no device "${text}".`,
    where: '--device',
    remedy: `Take one of ${deviceIds.join(', ')}; or "cuda" for all that NVIDIA's cards do.`,
  })
}

export async function runDeviceDoctor(
  application: Application,
  text: string,
  { isFull, runSuite = runDeviceSuite }: DoctorOptions,
): Promise<void> {
  const { output } = application
  const devices = devicesNamed(text)
  const graphics = await readGraphicsOfComputer()
  if (devices.some((device) => deviceFacts[device].hardware === 'graphics'))
    printGraphics(application, graphics)
  const reports: DeviceReport[] = []
  for (const device of devices) {
    const report = await examine(application, device)
    reports.push(
      isFull && report.problem === null ? await examineFully(application, report, runSuite) : report,
    )
  }
  const isGood = reports.every(({ problem, suiteExitCode }) => problem === null && (suiteExitCode ?? 0) === 0)
  output.result({ isGood, graphics, devices: reports })
  if (!isGood) application.setExitCode(exitCodes.problem)
}

function printGraphics({ output }: Application, { cards, sentences }: GraphicsReport): void {
  for (const { name, memoryBytes, driver, computeCapability, sentences: about } of cards) {
    const facts = [
      memoryBytes === null ? null : `${formatBytes(memoryBytes)} memory`,
      driver === null ? 'no driver' : `driver ${driver}`,
      computeCapability === null ? null : `compute capability ${computeCapability}`,
    ]
    output.line(`${name}: ${facts.filter((fact) => fact !== null).join(', ')}`)
    for (const sentence of about) output.line(`  ${sentence}`)
  }
  for (const sentence of sentences) output.line(sentence)
  output.line()
}

async function examine(application: Application, device: DeviceId): Promise<DeviceReport> {
  const { output } = application
  const facts = deviceFacts[device]
  output.line(`${device}: ${deviceName(device)}; ${factWords(facts)}`)
  const report: DeviceReport = {
    device,
    facts,
    problem: null,
    check: null,
    suiteExitCode: null,
    figure: null,
  }
  const bad = (problem: Problem): DeviceReport => {
    printProblem(application, problem)
    return { ...report, problem }
  }
  const missing = await missingHere(application, device)
  if (missing !== null) return bad(missing)
  output.line('✓ It is here.')
  output.progress(`A tiny step on ${deviceName(device)}…`)
  const checked = await checkDevice(device, application)
  if (!checked.ok) return bad(checked.problem)
  const { backend, difference } = checked.value
  output.line(
    `✓ It computes right: a tiny step differs by ${share(difference)} from the step by definition (${backend}).`,
  )
  return { ...report, check: checked.value }
}

function printProblem({ output }: Application, problem: Problem): void {
  for (const [index, line] of describeProblem(problem).split('\n').entries())
    output.line(index === 0 ? `✗ ${line}` : line)
}

const factWords = ({ runtime, products, engine }: DeviceFacts): string =>
  [
    runtime === 'onnx' ? 'ONNX Runtime' : 'TensorFlow',
    `products in ${products}`,
    engine === null ? 'comes along' : `needs the engine ${engine}`,
  ].join(', ')

async function missingHere({ library }: Application, device: DeviceId): Promise<Problem | null> {
  const found = devicesAround(library, await lookAround(library)).find(({ id }) => id === device)
  if (found !== undefined) return found.missing
  const { systems } = deviceFacts[device]
  return {
    code: 'device.missing',
    message: `This device is not offered on ${process.platform} ${process.arch}.`,
    where: device,
    remedy: `It is offered on ${systems.join(' and ')}.`,
  }
}

async function examineFully(
  application: Application,
  report: DeviceReport,
  runSuite: typeof runDeviceSuite,
): Promise<DeviceReport> {
  const { output } = application
  const suiteExitCode = await runSuite(report.device, application)
  if (suiteExitCode !== null) {
    output.line(suiteExitCode === 0 ? '✓ The whole suite is right.' : '✗ The suite found faults; see above.')
    return { ...report, suiteExitCode }
  }
  const devices = [...new Set<DeviceId>(['cpu', report.device])]
  const tools = {
    signal: new AbortController().signal,
    tell: (phase: string) => output.progress(`${phase}…`),
  }
  const measured = await measureDevices(application, { modelId: null, devices }, tools)
  const problemOf = (problem: Problem): DeviceReport => {
    printProblem(application, problem)
    return { ...report, problem }
  }
  if (!measured.ok) return problemOf(measured.problem)
  const figures = new Map(measured.value.map((one) => [one.device, one]))
  const own = figures.get(report.device)
  if (own?.figure == null) return own?.failure ? problemOf(own.failure) : report
  printFigure(application, own.figure, figures.get('cpu')?.figure ?? null)
  return { ...report, figure: own.figure }
}

function printFigure({ output }: Application, figure: DeviceFigure, ofProcessor: DeviceFigure | null): void {
  const { modelName, rows, tokensPerRow, stepMs, peakBytes, devicePeakBytes, difference } = figure
  const beside =
    ofProcessor === null || ofProcessor.measuredAtMs === figure.measuredAtMs
      ? ''
      : `, ${(ofProcessor.stepMs / stepMs).toFixed(1)} times as fast as the processor (${Math.round(ofProcessor.stepMs)} ms)`
  const card = devicePeakBytes === null ? '' : `, ${formatBytes(devicePeakBytes)} on the card`
  output.line(
    `✓ A real step of ${modelName}, ${rows} rows of ${tokensPerRow} tokens: ${Math.round(stepMs)} ms${beside}; ${formatBytes(peakBytes)} of memory${card}; differs by ${share(difference)} from the processor's.`,
  )
}

const share = (difference: number): string => difference.toExponential(1)
