// The adapter of a finished or stopped run on the disk, held against what the journal knows of it: weights and configuration, byte for
// byte. Whoever measures or exports an adapter asks here first.
import { join } from 'node:path'
import type { JournalReader } from '#journal/reader.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { sha256File } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'

/** The files of an adapter, as PEFT names them. */
export const adapterFileNames = ['adapter_model.safetensors', 'adapter_config.json'] as const

/** A finished run has its adapter; a stopped one has the best version that it measured, where it measured any. */
export const hasUsableAdapter = ({
  status,
  adapterSha256,
}: Pick<RunDetail, 'status' | 'adapterSha256'>): boolean =>
  adapterSha256 !== null && (status === 'finished' || status === 'cancelled')

/** `run.not-finished` where the run has no adapter, `checkpoint.damaged` where a file is missing or was changed. */
export function requireAdapterUnchanged(
  library: Library,
  reader: Pick<JournalReader, 'getRun' | 'artifacts'>,
  runId: string,
): Promise<Result<{ readonly folder: string; readonly weightsSha256: string }>> {
  return attemptAsync(async () => {
    const run = unwrap(reader.getRun(runId))
    if (!hasUsableAdapter(run) || run.adapterSha256 === null)
      throw new ProblemError({
        code: 'run.not-finished',
        message: `This run is ${run.status}: there is no finished adapter.`,
        where: `run ${runId}`,
        remedy: `Let it finish first: continue it on its screen, or with: tunewright runs resume ${runId}`,
      })
    const known = unwrap(reader.artifacts(runId)).filter(({ kind }) => kind === 'adapter')
    for (const name of adapterFileNames) {
      // A run that was stopped and gone on with has had several; the newest is the one that counts.
      const artifact = known.findLast(({ path }) => path.endsWith(`/${name}`))
      const path = join(library.runsFolder, runId, 'adapter', name)
      const sha256 = await sha256File(path).catch(() => null)
      if (artifact === undefined || sha256 !== artifact.sha256) throw changedAdapter(path, sha256 === null)
    }
    return { folder: join(library.runsFolder, runId, 'adapter'), weightsSha256: run.adapterSha256 }
  })
}

const changedAdapter = (path: string, isMissing: boolean): ProblemError =>
  new ProblemError({
    code: 'checkpoint.damaged',
    message: isMissing
      ? 'A file of the trained adapter is missing.'
      : 'A file of the trained adapter is not the one that the run wrote.',
    where: path,
    remedy: 'Train again with the same recipe: on this computer it gives the same adapter.',
  })
