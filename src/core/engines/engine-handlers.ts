// Engines for the screens and the terminal: which there are, adding one as a job, removing one.
import { join } from 'node:path'
import type { SomeHandlers } from '#shared/contract/index.ts'
import type { EngineId } from '#shared/devices.ts'
import { attemptAsync, fail, ok, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { DevicePorts } from '../devices/ask-speedometer.ts'
import type { JobTools } from '../system/jobs.ts'
import type { Library } from '../system/library.ts'
import { withTypedCommands } from '../system/typed-command.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { connectKernels } from './connect-kernels.ts'
import { engineFolder, findEngine, listEngines, offerProblem, removeEngine } from './engine-library.ts'
import { enginePack } from './engine-packs.ts'
import { engineBusy, requireEngineAtRest } from './engine-use.ts'
import { installEngine } from './install-engine.ts'
import { tryEngine } from './try-engine.ts'

export interface AddPorts extends DevicePorts {
  openNetwork(): void
  requireAtRest(): Promise<void>
}

/**
 * The way of both hosts to `installEngine`; then our own operators are built and tried, without which it works, too. What
 * could not be tried out, or is done without, is the last phase, and given back.
 */
export function addEngine(
  id: EngineId,
  ports: AddPorts,
  tools: Pick<JobTools, 'signal' | 'tell'>,
  files: readonly string[] = [],
): Promise<Result<string | null>> {
  const { library, launcher, ...others } = ports
  const pack = enginePack(id)
  const places = { folder: engineFolder(library, id), downloads: downloadsOf(library, id) }
  const selfTest = (enginesFolder: string) =>
    tryEngine(id, enginesFolder, { library, launcher }, tools.signal)
  return attemptAsync(async () => {
    const untried = unwrap(await installEngine(pack, places, { ...tools, selfTest, ...others }, files))
    return id === 'tensorflow' ? connectKernels(ports, tools) : untried
  })
}

const downloadsOf = ({ cacheFolder }: Library, id: EngineId): string =>
  join(cacheFolder, 'downloads', `${id}-${enginePack(id).version}`)

export function createEngineHandlers(
  context: WorkstationContext,
): SomeHandlers<'engines.list' | 'engines.add' | 'engines.remove'> {
  const { library, launcher, settings, network, jobs } = context
  const keyOf = (id: EngineId): string => `engine ${id}`
  const isBeingAdded = (id: EngineId): boolean =>
    jobs
      .list()
      .some(
        ({ kind, status, title }) =>
          kind === 'engine' && status === 'running' && title === enginePack(id).name,
      )

  return {
    'engines.list': () =>
      attemptAsync(async () => withTypedCommands({ engines: await listEngines(library) })),
    'engines.add': async ({ engineId: id }) => {
      const pack = enginePack(id)
      const notOffered = offerProblem(pack)
      if (notOffered !== null) return fail(notOffered)
      const isThere = (await findEngine(library, id)).ok
      if (!isThere && !settings.get().allowsDownloads) return fail(downloadsOff(pack.name))
      const ports = {
        library,
        launcher,
        openNetwork: () => {
          // One that is there may be found to be damaged, and only then has to be fetched.
          if (!settings.get().allowsDownloads) throw new ProblemError(downloadsOff(pack.name))
          network.open('the Python package index', pack.name)
        },
        requireAtRest: () => requireEngineAtRest(context, id),
      }
      return ok(
        jobs.start({ kind: 'engine', title: pack.name, key: keyOf(id) }, (tools) =>
          addEngine(id, ports, tools),
        ),
      )
    },
    'engines.remove': ({ engineId: id }) =>
      attemptAsync(async () => {
        if (isBeingAdded(id)) return unwrap(fail(engineBusy(id, `${enginePack(id).name} is being added`)))
        await requireEngineAtRest(context, id)
        const { freedBytes } = unwrap(await removeEngine(library, id))
        return { freedBytes }
      }),
  }
}

const downloadsOff = (name: string): Problem => ({
  code: 'network.off',
  message: `Downloads are turned off, so ${name} was not fetched.`,
  where: 'engines',
  remedy:
    'Allow downloads in the settings; or bring its files, with: tunewright engines add ENGINE --file FILE',
})
