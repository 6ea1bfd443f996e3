// models add | list | show
import { importModel } from '#core/models/import-model.ts'
import type { ModelManifest } from '#core/models/manifest.ts'
import { readPlannedModel } from '#core/models/model-config.ts'
import { listModels, showModel, sweepModels, verifyModel } from '#core/models/model-library.ts'
import type { ImportProgress } from '#core/models/model-source.ts'
import { modelWay } from '#core/models/model-way.ts'
import { addStarter } from '#core/models/starter.ts'
import type { ModelWay } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

const sizeOf = (model: ModelManifest) =>
  Object.values(model.files).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
const millions = (parameters: number) => `${Math.round(parameters / 1e6)} M`

/** "starter", or a Hugging Face folder or GGUF file on this computer. */
export async function addModel(
  application: Application,
  what: string,
  file?: string,
): Promise<ModelManifest> {
  const { library, output } = application
  await sweepModels(library)
  const onProgress = ({ text, doneBytes, totalBytes }: ImportProgress) =>
    output.progress(
      totalBytes
        ? `${text}: ${Math.round((100 * doneBytes) / totalBytes)} % of ${formatBytes(totalBytes)}`
        : `${text}…`,
    )
  const added = unwrap(
    what === 'starter'
      ? await addStarter(library, { onProgress, ...(file === undefined ? {} : { file }) })
      : await importModel(library, what, { onProgress }),
  )
  output.line(
    `${added.name} is in the library as ${added.id} (${millions(added.parameters)} parameters, ${formatBytes(sizeOf(added))}, licence ${added.licence}).`,
  )
  output.result(added)
  return added
}

export async function printModels(application: Application): Promise<void> {
  const { output } = application
  const { models, damaged } = await listModels(application.library)
  if (models.length === 0) output.line('No models yet. Bring the small one: tunewright models add starter')
  else
    for (const line of formatTable(
      ['model', 'name', 'parameters', 'size', 'licence', 'from'],
      models.map((model) => [
        model.id,
        model.name,
        millions(model.parameters),
        formatBytes(sizeOf(model)),
        model.licence,
        `${model.source.kind} ${model.source.from}`,
      ]),
    ))
      output.line(line)
  for (const problem of damaged) output.line(`! ${problem.where}: ${problem.message} ${problem.remedy}`)
  output.result({ models, damaged })
}

const wayWords: Readonly<Record<ModelWay, string>> = {
  talks: 'yes (has a chat template)',
  rewrites: 'one text at a time: it makes another of it (encoder and decoder)',
  'goes-on': 'no, it goes on with a text (no chat template)',
  reads: 'no, it only reads (encoder)',
}

export async function printModel(application: Application, name: string, mustVerify: boolean): Promise<void> {
  const { library, output } = application
  const model = unwrap(mustVerify ? await verifyModel(library, name) : await showModel(library, name))
  const { config } = await readPlannedModel(library, model)
  output.result(model)
  const rows: [string, string][] = [
    ['name', model.name],
    ['id', model.id],
    ['family', model.family],
    ['parameters', model.parameters.toLocaleString('en')],
    ['weights', `${model.weightType}, SHA-256 ${model.weightsSha256}`],
    ['longest text', `${model.contextTokens} tokens`],
    ['licence', model.licence],
    ['from', [model.source.kind, model.source.from, model.source.revision].filter(Boolean).join(' ')],
    ['can be spoken to', wayWords[modelWay(model, config)]],
    ['files', mustVerify ? 'every byte checked' : 'sizes checked; --verify reads every byte'],
  ]
  for (const [title, value] of rows) output.line(`${title.padEnd(18)}${value}`)
}
