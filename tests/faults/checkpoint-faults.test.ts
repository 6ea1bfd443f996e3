// Fails every single file operation of a save, in every way, and asks each time: does the newest checkpoint that
// verifies load, are the earlier ones untouched, and does the next start leave no orphan?
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import type { CheckpointTensor } from '../../src/core/training/checkpoint-format.ts'
import { findNewestCheckpoint, readCheckpointTensors } from '../../src/core/training/checkpoint-search.ts'
import {
  type CheckpointContent,
  prepareCheckpoints,
  pruneCheckpoints,
  writeCheckpoint,
} from '../../src/core/training/checkpoints.ts'
import { type FaultKind, faultKinds, type Operation, withFault } from './fault-files.ts'

const keepLast = 2
let home: string
/** A run folder with the checkpoints of steps 10 and 20. */
let prepared: string

function content(step: number): CheckpointContent {
  const data = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i + step))
  const tensors = new Map([['w', { shape: [20, 30], data }]])
  return {
    step,
    state: { step, loss: 0.1 + step },
    tensorFiles: new Map([
      ['parameters.safetensors', tensors],
      ['moments.safetensors', tensors],
    ]),
  }
}

async function save(runFolder: string, step: number) {
  const written = await writeCheckpoint(runFolder, content(step))
  if (written.ok) await pruneCheckpoints(runFolder, keepLast, step)
  return written
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tunewright-faults-'))
  prepared = join(home, 'prepared')
  await mkdir(prepared)
  expect((await prepareCheckpoints(prepared)).ok).toBe(true)
  for (const step of [10, 20]) expect((await save(prepared, step)).ok).toBe(true)
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function copyOfPrepared(name: string): Promise<string> {
  const folder = join(home, name)
  await cp(prepared, folder, { recursive: true })
  return folder
}

/** Every file below a folder with its content, for "untouched". */
async function contentsOf(folder: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      contents.set(path.slice(folder.length), await readFile(path, 'base64'))
    }
  return contents
}

async function operationsOfOneSave(): Promise<Operation[]> {
  const folder = await copyOfPrepared('counting')
  const { operations } = await withFault(folder, { at: 0, kind: 'EIO' }, () => save(folder, 30))
  return operations
}

describe('one save, each file operation failing', () => {
  it.each(faultKinds)('%s: the newest verified checkpoint loads, nothing else is left', async (kind) => {
    const { length } = await operationsOfOneSave()
    expect(length).toBeGreaterThan(25)
    const before = await contentsOf(prepared)
    const outcomes = new Set<string>()
    for (let at = 1; at <= length; at += 1) {
      const folder = await copyOfPrepared(`${kind}-${at}`)
      const { result } = await withFault(folder, { at, kind }, () => save(folder, 30))
      outcomes.add(await checkAftermath(folder, kind, result, before))
      await rm(folder, { recursive: true })
    }
    expect(outcomes).toEqual(new Set(kind === 'short' ? ['saved'] : ['saved', 'not saved']))
  })

  async function checkAftermath(
    folder: string,
    kind: FaultKind,
    result: PromiseSettledResult<Awaited<ReturnType<typeof save>>>,
    before: Map<string, string>,
  ): Promise<'saved' | 'not saved'> {
    if (result.status === 'rejected') throw result.reason
    if (!result.value.ok) {
      expect(result.value.problem.code).toBe(kind === 'ENOSPC' ? 'disk.full' : 'disk.failed')
      expect(result.value.problem.remedy).not.toBe('')
    }
    // The next start.
    expect((await prepareCheckpoints(folder)).ok).toBe(true)
    const names = await readdir(join(folder, 'checkpoints'))
    expect(names.filter(isTemporaryName)).toEqual([])
    const search = await findNewestCheckpoint(folder)
    if (!search.ok || search.value.newest === null) throw new Error('no checkpoint verifies')
    const { newest } = search.value
    expect(search.value.rejected).toEqual([])
    expect([20, 30]).toContain(newest.step)
    if (result.value.ok) expect(newest.step).toBe(30)
    expect(newest.state).toEqual(content(newest.step).state)
    const tensors = new Map<string, CheckpointTensor>()
    const take = (name: string, tensor: CheckpointTensor) => tensors.set(name, tensor)
    expect((await readCheckpointTensors(newest, 'parameters.safetensors', take)).ok).toBe(true)
    expect(tensors).toEqual(content(newest.step).tensorFiles.get('parameters.safetensors'))
    const after = await contentsOf(folder)
    for (const [path, bytes] of after) if (before.has(path)) expect(bytes).toBe(before.get(path))
    if (newest.step === 20) expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
    return newest.step === 30 ? 'saved' : 'not saved'
  }
})

describe('the order of a save', () => {
  // What a power cut may take is everything after the last fsync, so the order is the promise.
  it('fsyncs each file, the manifest last, then the folder, renames, and fsyncs the parent before pruning', async () => {
    const operations = await operationsOfOneSave()
    const renameAt = operations.findIndex(({ name }) => name === 'rename')
    const opened = operations.filter(
      ({ name, path }) => name === 'open' && dirname(path) !== dirname(operations[renameAt]!.path),
    )
    const files = opened
      .map(({ path }) => path)
      .filter((path) => path.includes('.tmp-') && /\.(json|safetensors)$/.test(path))
    expect(files.map((path) => basename(path))).toEqual([
      'state.json',
      'parameters.safetensors',
      'moments.safetensors',
      'manifest.json',
    ])
    for (const path of files) {
      const lastWrite = operations.findLastIndex(
        (operation) => operation.name === 'write' && operation.path === path,
      )
      const sync = operations.findIndex((operation) => operation.name === 'sync' && operation.path === path)
      expect(sync).toBeGreaterThan(lastWrite)
      expect(sync).toBeLessThan(renameAt)
    }
    const built = operations[renameAt]!.path
    const folderSync = operations.findIndex(({ name, path }) => name === 'sync' && path === built)
    expect(folderSync).toBe(renameAt - 2)
    const parentSync = operations.findIndex(
      ({ name, path }, i) => i > renameAt && name === 'sync' && path === dirname(built),
    )
    const pruned = operations.findIndex(({ name }, i) => i > renameAt && name === 'rename')
    expect(parentSync).toBeGreaterThan(renameAt)
    expect(pruned).toBeGreaterThan(parentSync)
  })
})
