// Storage for the screens: what is kept and how large it is, and moving parts of it to the system's bin.
import { statfs } from 'node:fs/promises'
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync, ProblemError, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { listStorage, type StoredItem } from './storage.ts'

export function createStorageHandlers(
  context: WorkstationContext,
): SomeHandlers<'storage.list' | 'storage.remove'> {
  const { library, reader, writer, host, emit } = context

  /** Files of a run that went to the bin are told to the journal; its curve and results stay there. */
  function noteRemoval({ kind, id }: StoredItem): void {
    if (kind !== 'run') return
    const runId = id.slice('run/'.length)
    for (const artifact of unwrap(reader.artifacts(runId)))
      if (artifact.removedAtMs === null && artifact.path.startsWith(`runs/${runId}/`))
        unwrap(writer.markArtifactRemoved(artifact.id))
  }

  return {
    'storage.list': () =>
      attemptAsync(async () => {
        const items = await listStorage(context)
        const { bavail, bsize } = await statfs(library.home)
        return {
          items: items.map(({ path: _path, ...item }) => item),
          totalBytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
          freeBytes: bavail * bsize,
        }
      }),
    'storage.remove': ({ ids }) =>
      attemptAsync(async () => {
        const items = await listStorage(context)
        const chosen = [...new Set(ids)].map((id) => removable(items, id))
        const moved: StoredItem[] = []
        try {
          for (const item of chosen) {
            unwrap(await host.moveToBin(item.path))
            moved.push(item)
            noteRemoval(item)
          }
        } finally {
          if (moved.some(({ kind }) => kind === 'model')) emit('models.changed', {})
          if (moved.some(({ kind }) => kind === 'run')) emit('experiments.changed', { runId: null })
          if (moved.some(({ kind }) => kind === 'export' || kind === 'backup'))
            emit('journal.changed', { isDamaged: false, isExchanged: false })
        }
        return { removed: moved.length, freedBytes: moved.reduce((sum, { bytes }) => sum + bytes, 0) }
      }),
  }
}

/** Only what the list shows as removable at this moment: an id names nothing else. */
function removable(items: readonly StoredItem[], id: string): StoredItem {
  const item = items.find((one) => one.id === id)
  if (item?.isRemovable) return item
  throw new ProblemError({
    code: 'file.missing',
    message: item === undefined ? 'This is not there any more.' : 'This cannot be removed now.',
    where: item?.name ?? id,
    remedy: item === undefined ? 'Look at the list again.' : item.note,
  })
}
