// What a finished or stopped run made of its model, on the disk: held against what the journal knows of it, byte for byte.
// Whoever measures, talks with or exports it asks here first.
import { join } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { methodParts } from '#shared/method-parts.ts'
import type { TunedKind, TunedVersion } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { sha256File } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'

export interface TunedFiles {
  /** In the run's folder. */
  readonly folder: string
  readonly weights: string
  /** What else stands beside the weights. */
  readonly others: readonly string[]
}

/** An adapter as PEFT names its files; a model as a model folder of the library. */
export const tunedFiles: Readonly<Record<TunedKind, TunedFiles>> = {
  adapter: { folder: 'adapter', weights: 'adapter_model.safetensors', others: ['adapter_config.json'] },
  model: {
    folder: 'model',
    weights: 'model.safetensors',
    others: ['config.json', 'tokenizer.json', 'tokenizer_config.json'],
  },
}

/** What a run of this method leaves: an adapter has its new last layer beside it. */
export const tunedKindOf = ({ kind }: Pick<Recipe['method'], 'kind'>): TunedKind =>
  methodParts[kind].adapter ? 'adapter' : 'model'

/** The weights file of a tuned version. */
export const tunedWeightsPath = ({ kind, folder }: Pick<TunedVersion, 'kind' | 'folder'>): string =>
  join(folder, tunedFiles[kind].weights)

/** A finished run has its tuned version; a stopped one the best that it measured, where it measured any. */
export const hasTunedVersion = ({
  status,
  adapterSha256,
}: Pick<RunDetail, 'status' | 'adapterSha256'>): boolean =>
  adapterSha256 !== null && (status === 'finished' || status === 'cancelled')

/** `run.not-finished` where the run has none, `checkpoint.damaged` where a file is missing or was changed. */
export function requireTunedUnchanged(
  library: Library,
  reader: Pick<JournalReader, 'getRun' | 'artifacts'>,
  runId: string,
): Promise<Result<TunedVersion>> {
  return attemptAsync(async () => {
    const run = unwrap(reader.getRun(runId))
    if (!hasTunedVersion(run) || run.adapterSha256 === null)
      throw new ProblemError({
        code: 'run.not-finished',
        message: `This run is ${run.status}: there is no finished version of the model.`,
        where: `run ${runId}`,
        remedy: `Let it finish first: continue it on its screen, or with: tunewright runs resume ${runId}`,
      })
    const kind = tunedKindOf(run.recipe.method)
    const files = tunedFiles[kind]
    const folder = join(library.runsFolder, runId, files.folder)
    const known = unwrap(reader.artifacts(runId)).filter((artifact) => artifact.kind === kind)
    for (const name of [files.weights, ...files.others]) {
      // A run that was stopped and gone on with has had several; the newest is the one that counts.
      const artifact = known.findLast(({ path }) => path.endsWith(`/${name}`))
      const path = join(folder, name)
      const sha256 = await sha256File(path).catch(() => null)
      if (artifact === undefined || sha256 !== artifact.sha256) throw changedVersion(path, sha256 === null)
    }
    return { kind, folder, weightsSha256: run.adapterSha256 }
  })
}

const changedVersion = (path: string, isMissing: boolean): ProblemError =>
  new ProblemError({
    code: 'checkpoint.damaged',
    message: isMissing
      ? 'A file of the trained version is missing.'
      : 'A file of the trained version is not the one that the run wrote.',
    where: path,
    remedy: 'Train again with the same recipe: on this computer it gives the same version.',
  })
