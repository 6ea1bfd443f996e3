// devices list | measure | use
import { viewDevices } from '#core/devices/device-handlers.ts'
import { resolveDevice } from '#core/devices/known-devices.ts'
import { measureDevices } from '#core/devices/measure-devices.ts'
import { hasComputedSince, requireQuiet } from '#core/devices/require-quiet.ts'
import { showModel } from '#core/models/model-library.ts'
import { createSettingsStore } from '#core/system/settings-store.ts'
import type { DeviceState, DevicesView } from '#shared/contract/index.ts'
import { deviceName } from '#shared/device-names.ts'
import { type DeviceId, deviceFacts } from '#shared/devices.ts'
import { attempt, describeProblem, ProblemError, unwrap } from '#shared/result.ts'
import { formatBytes, formatDuration } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

/** Figures of this model where there are some; undefined takes the starter, or else any. */
export async function listDevices(application: Application, model: string | undefined): Promise<void> {
  printView(application, await viewDevices(application.library, await idOf(application, model)))
}

/** Every device that can be used, one after the other; Ctrl-C keeps what was measured so far. */
export async function measureAll(application: Application, model: string | undefined): Promise<void> {
  const { library, launcher, output } = application
  requireQuietHere(application)
  const modelId = await idOf(application, model)
  const stop = new AbortController()
  const undo = application.onInterrupt(() => stop.abort())
  const tell = (phase: string, done = 0, total = 1): void =>
    output.progress(`${phase}… ${Math.floor((100 * done) / total)} % of all`)
  const reader = application.reader()
  const wasDisturbed = (sinceMs: number): boolean => hasComputedSince({ reader }, sinceMs)
  try {
    const measured = unwrap(
      await measureDevices({ library, launcher }, { modelId, wasDisturbed }, { signal: stop.signal, tell }),
    )
    printView(application, await viewDevices(library, measured[0]?.modelId ?? modelId))
  } finally {
    undo()
  }
}

/** A run that a crash left behind looks as if it were under way, until somebody opens the journal for writing. */
function requireQuietHere(application: Application): void {
  const quiet = attempt(() => requireQuiet({ reader: application.reader() }))
  if (quiet.ok) return
  if (!attempt(() => application.writer()).ok) throw new ProblemError(quiet.problem)
  requireQuiet({ reader: application.reader() })
}

/** Pins one for all runs that ask for nothing; null: the fastest measured one again. */
export async function useDevice(application: Application, device: DeviceId | null): Promise<void> {
  const { library } = application
  unwrap(await resolveDevice(library, device, null))
  unwrap(await createSettingsStore(library, () => {}).set({ device }))
  printView(application, await viewDevices(library, null))
}

async function idOf({ library }: Application, model: string | undefined): Promise<string | null> {
  const found = await showModel(library, model ?? 'starter')
  if (model !== undefined) return unwrap(found).id
  return found.ok ? found.value.id : null
}

function printView({ output }: Application, view: DevicesView): void {
  for (const line of formatTable(
    ['device', 'step', '10^9/s', 'memory', 'difference', 'model'],
    view.devices.map((device) => [device.id, ...cellsOf(device, view)]),
  ))
    output.line(line)
  for (const line of legendLines(view)) output.line(line)
  output.line()
  for (const [what, devices] of missingSentences(view)) output.line(`${devices.join(', ')}: ${what}`)
  for (const { failure } of view.devices) if (failure !== null) output.line(`! ${describeProblem(failure)}`)
  for (const { name, sentences } of view.graphicsCards) output.line(`${name}: ${sentences.join(' ')}`)
  output.line(view.reason)
  output.result(view)
}

/** What the columns say, where one has a figure, and of which step. */
function legendLines({ devices }: DevicesView): string[] {
  const steps = new Set(
    devices.flatMap(({ figure, missing }) =>
      figure === null || missing !== null
        ? []
        : [`a step of ${figure.rows} ${figure.rows === 1 ? 'row' : 'rows'} of ${figure.tokensPerRow} tokens`],
    ),
  )
  if (steps.size === 0) return []
  return [
    `step: the time of ${[...steps].join(', or of ')}; 10^9/s: thousand millions of operations a second, more is faster; memory: the most of the process (+ of the graphics card); difference: how far its numbers lie from those of the processor alone, as a share.`,
  ]
}

/** What is missing and what helps, each sentence once, and the devices that it is true of. */
function missingSentences({ devices }: DevicesView): ReadonlyMap<string, readonly DeviceId[]> {
  const found = new Map<string, DeviceId[]>()
  for (const { id, missing } of devices) {
    if (missing === null) continue
    const { message, remedy } = missing
    const name = deviceName(id)
    const isOfIt = message.toLowerCase().startsWith(name.toLowerCase())
    const what = `${isOfIt ? message.slice(name.length + 1) : message} ${remedy}`
    found.set(what, [...(found.get(what) ?? []), id])
  }
  return found
}

/** The same in a few words. */
function shortWords(id: DeviceId, code: string, { graphicsCards }: DevicesView): string {
  if (code === 'engine.missing') return 'engine not here'
  if (code === 'engine.damaged') return 'engine damaged'
  if (deviceFacts[id].hardware === 'processor') return 'not on this processor'
  const isNvidia = id.includes('cuda')
  const cards = graphicsCards.filter(({ vendor }) => !isNvidia || vendor === 'nvidia')
  if (cards.length > 0) return 'not with this graphics card'
  return isNvidia ? 'no NVIDIA card' : 'no graphics card'
}

function cellsOf({ id, missing, figure, failure }: DeviceState, view: DevicesView): string[] {
  if (missing !== null) return ['-', '', '', '', shortWords(id, missing.code, view)]
  if (figure === null) return ['-', '', '', '', failure === null ? 'not measured yet' : 'failed, see below']
  const { stepMs, gflops, peakBytes, devicePeakBytes, difference, modelName } = figure
  return [
    stepMs < 10_000 ? `${Math.round(stepMs)} ms` : formatDuration(stepMs),
    gflops < 10 ? gflops.toFixed(1) : String(Math.round(gflops)),
    formatBytes(peakBytes) + (devicePeakBytes === null ? '' : ` + ${formatBytes(devicePeakBytes)}`),
    difference === 0 ? '0' : difference.toExponential(0),
    modelName,
  ]
}
