// Copies a run's adapter out of the library in the form that Hugging Face PEFT reads, with a model card.
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { type Exported, type ExportPlace, writeExport } from './export-folder.ts'
import { type CardFacts, modelCard } from './model-card.ts'

export interface PeftExport extends ExportPlace {
  /** The run's own folder; its adapter lies in adapter/. */
  readonly runFolder: string
  /** SHA-256 of adapter_model.safetensors as the journal holds it. */
  readonly adapterSha256: string
  readonly card: CardFacts
}

const weightsName = 'adapter_model.safetensors'
const configName = 'adapter_config.json'

/** Problems: run.not-finished (no adapter yet), checkpoint.damaged (it changed), export.failed, disk.full, disk.failed. */
export function exportPeft(spec: PeftExport): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const source = join(spec.runFolder, 'adapter')
    const config = await readAdapterConfig(source)
    const { name: base, revision } = spec.card.baseModel
    const described = { ...config, base_model_name_or_path: base, revision }
    return writeExport(spec, (folderName) => ({
      weights: { name: weightsName, chunks: weightsOf(source) },
      checkWeights: (sha256) => {
        if (sha256 !== spec.adapterSha256) throw changed(source)
      },
      texts: new Map([
        [configName, `${JSON.stringify(described, null, 2)}\n`],
        ['README.md', modelCard(spec.card, folderName)],
      ]),
    }))
  })
}

async function readAdapterConfig(source: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(source, configName), 'utf8').catch((error: unknown) => {
    throw new ProblemError({
      code: 'run.not-finished',
      message: 'This run has no trained adapter yet.',
      where: source,
      remedy: 'Let the run finish, or resume it, then export it.',
      details: String(error),
    })
  })
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw changed(source)
  }
}

/** The adapter's bytes, opened when they are asked for: a stream that fails before anybody listens ends the process. */
async function* weightsOf(source: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(join(source, weightsName)) as AsyncIterable<Uint8Array>
  } catch {
    throw changed(source)
  }
}

const changed = (where: string): ProblemError =>
  new ProblemError({
    code: 'checkpoint.damaged',
    message: 'The adapter in the library is not the one that the run wrote.',
    where,
    remedy: 'Train the run again: its recipe gives the same adapter.',
  })
