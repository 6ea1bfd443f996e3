// Models for the screens: what is here, whether it fits, how to get another.
import { readFile, rm } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { parseModelConfig } from '#engine/index.ts'
import type { ModelCard, RecommendedModel, SomeHandlers } from '#shared/contract/index.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { attemptAsync, fail, ok, type Problem, type Result, unwrap } from '#shared/result.ts'
import { estimateMemory, judgeFit, type ModelSize } from '../training/estimate.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { importModel } from './import-model.ts'
import { knownModels } from './known-models.ts'
import type { ModelManifest } from './manifest.ts'
import { listModels, modelFolder, showModel, verifyModel } from './model-library.ts'
import { addStarter } from './starter.ts'

type ModelCallNames =
  | 'models.list'
  | 'models.recommended'
  | 'models.addStarter'
  | 'models.addUploaded'
  | 'models.addPicked'
  | 'models.verify'
  | 'models.remove'

const usual = recipeDraft.parse({ scenario: 'classification', model: 'm', data: { path: 'd' } })

const fitOf = (size: ModelSize): ModelCard['fit'] => judgeFit(estimateMemory(size, usual), totalmem())

/** Files that a page has sent, by the name of their upload; each is taken once. */
export interface SentFiles {
  take(uploadId: string): string | null
}

export function createModelHandlers(
  context: WorkstationContext,
  sent: SentFiles,
): SomeHandlers<ModelCallNames> {
  const { library, jobs, network, host, settings, reader, emit } = context

  async function cardOf(manifest: ModelManifest): Promise<ModelCard> {
    const text = await readFile(join(modelFolder(library, manifest.id), 'config.json'), 'utf8')
    const { layers } = unwrap(parseModelConfig(JSON.parse(text)))
    const known = knownModels.find(({ name }) => manifest.name.startsWith(name))
    const sizeBytes = Object.values(manifest.files).reduce((sum, file) => sum + file.sizeBytes, 0)
    return {
      id: manifest.id,
      name: manifest.name,
      family: manifest.family,
      parameters: manifest.parameters,
      layers,
      maxTokens: manifest.contextTokens,
      sizeBytes,
      licence: manifest.licence,
      languages: known?.languages ?? 'not stated',
      goodAt: known?.goodAt ?? 'not stated',
      source: [manifest.source.kind, manifest.source.from].join(' '),
      isStarter: manifest.isStarter,
      hasChatTemplate: manifest.hasChatTemplate,
      addedAtMs: manifest.addedAtMs,
      fit: fitOf({
        parameters: manifest.parameters,
        weightBytes: manifest.files['model.safetensors'].sizeBytes,
      }),
    }
  }

  function startAdding(
    title: string,
    work: (
      tell: (text: string, done: number, total: number | null) => void,
    ) => Promise<Result<ModelManifest>>,
  ): Result<{ jobId: string }> {
    return ok(
      jobs.start({ kind: 'model', title, key: `add ${title}` }, async ({ tell }) => {
        const added = await work((text, done, total) => tell(text, done, total ?? 0))
        if (added.ok) emit('models.changed', {})
        return added
      }),
    )
  }

  return {
    'models.list': () =>
      attemptAsync(async () => {
        const { models, damaged } = await listModels(library)
        return { models: await Promise.all(models.map(cardOf)), damaged: [...damaged] }
      }),
    'models.recommended': () =>
      attemptAsync(async () => {
        const { models } = await listModels(library)
        return {
          models: knownModels.map((known): RecommendedModel => {
            const { weightBytes, ...words } = known
            const installed = models.find(({ name }) => name.startsWith(known.name))
            const fit = fitOf({ parameters: known.parameters, weightBytes })
            return { ...words, fit, installedId: installed?.id ?? null }
          }),
        }
      }),
    'models.addStarter': () => {
      if (!settings.get().allowsDownloads) return fail(downloadsOff())
      return startAdding('starter model', (tell) =>
        addStarter(library, {
          fetch: network.fetchFor('a model'),
          onProgress: ({ text, doneBytes, totalBytes }) => tell(text, doneBytes, totalBytes),
        }),
      )
    },
    'models.addUploaded': ({ uploadId }) => {
      const path = sent.take(uploadId)
      if (path === null) return fail(notPicked(uploadId))
      return startAdding('your model', async (tell) => {
        const added = await importModel(library, path, {
          onProgress: ({ text, doneBytes, totalBytes }) => tell(text, doneBytes, totalBytes),
        })
        await rm(path, { force: true })
        return added
      })
    },
    'models.addPicked': ({ handle }) => {
      const path = host.pickedPath(handle)
      if (path === null) return fail(notPicked(handle))
      return startAdding('your model', (tell) =>
        importModel(library, path, {
          onProgress: ({ text, doneBytes, totalBytes }) => tell(text, doneBytes, totalBytes),
        }),
      )
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
        const users = unwrap(
          reader.listRuns({ modelId: id, statuses: ['queued', 'running', 'paused'], limit: 1 }),
        )
        if (users.total > 0) return unwrap(fail(inUse(id)))
        unwrap(await host.moveToBin(modelFolder(library, id)))
        emit('models.changed', {})
        return {}
      }),
  }
}

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

const inUse = (id: string): Problem => ({
  code: 'run.active',
  message: 'A run trains this model at the moment.',
  where: id,
  remedy: 'Stop the run first.',
})
