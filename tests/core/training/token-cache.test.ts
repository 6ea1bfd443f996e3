import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { tokenizedOnce, tokenKey } from '#core/training/token-cache.ts'

const folders: string[] = []

function newCache(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const split = {
  rows: [
    { rowId: 'a', example: 0, ids: [5, 6, 7], labels: [-100, 6, 7] },
    { rowId: 'c', example: 2, ids: [8], labels: [8] },
  ],
  leftOut: [{ rowId: 'b', reason: 'its answer is empty' }],
}

/** The split through the cache, and whether it had to be made. */
async function open(cacheFolder: string, key: string) {
  let isMade = false
  const opened = await tokenizedOnce(cacheFolder, key, async () => {
    isMade = true
    return split
  })
  const rows = opened.rows.map(({ rowId, example, ids, labels }) => ({
    rowId,
    example,
    ids: [...Array.from(ids)],
    labels: [...Array.from(labels)],
  }))
  opened.close()
  return { isMade, content: { rows, leftOut: opened.leftOut } }
}

describe('rows as tokens', () => {
  it('are made once for one key', async () => {
    const cache = newCache()
    const key = tokenKey({ data: 'x', mostTokens: 5 })
    expect(await open(cache, key)).toEqual({ isMade: true, content: split })
    expect(await open(cache, key)).toEqual({ isMade: false, content: split })
    expect(await open(cache, tokenKey({ data: 'x', mostTokens: 6 }))).toMatchObject({ isMade: true })
  })

  it.each(['tokens.bin', 'about.json'])('are made again where %s is damaged, cut or gone', async (name) => {
    const cache = newCache()
    const key = tokenKey({ data: name })
    const path = join(cache, 'tokens', key, name)
    await open(cache, key)
    for (const harm of [
      () => {
        const bytes = readFileSync(path)
        bytes[bytes.length >> 1]! ^= 1
        writeFileSync(path, bytes)
      },
      () => truncateSync(path, 3),
      () => rmSync(path),
    ]) {
      harm()
      expect(await open(cache, key)).toEqual({ isMade: true, content: split })
      expect(await open(cache, key)).toMatchObject({ isMade: false })
    }
  })

  it('are given even where the disk refuses them', async () => {
    const file = join(newCache(), 'a-file')
    writeFileSync(file, '')
    expect(await open(file, 'key')).toEqual({ isMade: true, content: split })
    expect(readdirSync(join(file, '..'))).toEqual(['a-file'])
  })
})
