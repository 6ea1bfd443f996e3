import { spawn } from 'node:child_process'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type FrozenKey, frozenFolderOf, openFrozenCache } from '#core/training/frozen-cache.ts'
import { evictTrainingCaches } from '#core/training/training-cache-limit.ts'

const key: FrozenKey = { weightsSha256: 'a'.repeat(64), base: 'float', blocks: 20, width: 8, backend: 'test' }
const plenty = 1e9
const folders: string[] = []

function newCache(): string {
  const folder = mkdtempSync(join(tmpdir(), 'frozen-'))
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const idsOf = (row: number, tokens = 5): number[] => Array.from({ length: tokens }, (_, t) => row * 100 + t)
const numbersOf = (row: number, size = 1, tokens = 5): Float32Array =>
  Float32Array.from({ length: tokens * key.width }, (_, i) => size * Math.sin(row + i))

const largestError = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - b[i]!)), 0)

function fill(folder: string, rows: number): void {
  const cache = openFrozenCache(folder, key, plenty)
  for (let row = 0; row < rows; row += 1) expect(cache.write(idsOf(row), numbersOf(row))).toBe(true)
  cache.close()
}

describe('what frozen blocks made', () => {
  it('is read again by the tokens, in this process and by a later one', () => {
    const folder = frozenFolderOf(newCache(), key)
    const cache = openFrozenCache(folder, key, plenty)
    expect(cache.read(idsOf(1))).toBeNull()
    cache.write(idsOf(1), numbersOf(1))
    expect(largestError(cache.read(idsOf(1))!, numbersOf(1))).toBeLessThan(2 ** -11)
    cache.close()
    const later = openFrozenCache(folder, key, plenty)
    expect(largestError(later.read(idsOf(1))!, numbersOf(1))).toBeLessThan(2 ** -11)
    expect(later.read(idsOf(2))).toBeNull()
    expect(later.bytes()).toBe(48 + 80)
    later.close()
  })

  it('is kept in the precision that errs less: bfloat16 where float16 would overflow, float32 where both err much', () => {
    const folder = newCache()
    const cache = openFrozenCache(folder, key, plenty)
    const large = numbersOf(1, 1e6)
    cache.write(idsOf(1), large)
    const back = cache.read(idsOf(1))!
    expect(largestError(back, large) / 1e6).toBeLessThan(2 ** -8)
    expect(cache.bytes()).toBe(48 + 80)
    // Halfway between two bfloat16 numbers and beyond float16.
    const awkward = new Float32Array(40).fill(65_536 * (1 + 2 ** -8))
    cache.write(idsOf(2), awkward)
    expect(cache.read(idsOf(2))).toEqual(awkward)
    expect(cache.bytes()).toBe(48 + 80 + 48 + 160)
    cache.close()
  })

  it('is missing, not wrong, where its bytes were damaged', () => {
    const folder = newCache()
    fill(folder, 3)
    const path = join(folder, readdirSync(folder)[0]!)
    const bytes = readFileSync(path)
    bytes[128 + 48 + 7]! ^= 4
    writeFileSync(path, bytes)
    const cache = openFrozenCache(folder, key, plenty)
    expect(cache.read(idsOf(0))).not.toBeNull()
    expect(cache.read(idsOf(1))).toBeNull()
    expect(cache.read(idsOf(2))).not.toBeNull()
    cache.close()
  })

  it('is read up to a torn end, wherever it was torn', () => {
    const folder = newCache()
    fill(folder, 2)
    const path = join(folder, readdirSync(folder)[0]!)
    for (let size = 255; size >= 0; size -= 15) {
      truncateSync(path, size)
      const cache = openFrozenCache(folder, key, plenty)
      expect(cache.read(idsOf(0)) !== null).toBe(size >= 128)
      expect(cache.read(idsOf(1))).toBeNull()
      cache.close()
    }
  })

  it('does not grow beyond its limit', () => {
    const folder = newCache()
    const cache = openFrozenCache(folder, key, 300)
    expect([0, 1, 2].map((row) => cache.write(idsOf(row), numbersOf(row)))).toEqual([true, true, false])
    expect(cache.bytes()).toBeLessThanOrEqual(300)
    cache.close()
  })

  it('survives a writer that is killed at any moment', async () => {
    const folder = newCache()
    const program = `
      import { openFrozenCache } from '#core/training/frozen-cache.ts'
      const cache = openFrozenCache(${JSON.stringify(folder)}, ${JSON.stringify(key)}, 1e9)
      for (let row = 0; ; row += 1) {
        cache.write(Array.from({ length: 5 }, (_, t) => row * 100 + t),
          Float32Array.from({ length: 40 }, (_, i) => Math.sin(row + i)))
        if (row === 0) console.log('begun')
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await new Promise((resolve) => setTimeout(resolve, 60))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    const cache = openFrozenCache(folder, key, plenty)
    const kept = Math.floor(cache.bytes() / 128)
    expect(kept).toBeGreaterThan(0)
    for (let row = 0; row < kept; row += 1)
      expect(largestError(cache.read(idsOf(row))!, numbersOf(row))).toBeLessThan(2 ** -11)
    expect(cache.read(idsOf(kept + 1))).toBeNull()
    cache.close()
  })
})

describe('the limit of all of it', () => {
  it('is kept by removing what was used least recently, never what is about to be used', async () => {
    const cacheFolder = newCache()
    const keys = [10, 20, 30].map((blocks) => ({ ...key, blocks }))
    for (const [at, one] of keys.entries()) {
      const folder = frozenFolderOf(cacheFolder, one)
      const cache = openFrozenCache(folder, one, plenty)
      cache.write(idsOf(1), numbersOf(1))
      cache.close()
      utimesSync(folder, 1000 + at, 1000 + at)
    }
    const [oldest, middle, newest] = keys.map((one) => frozenFolderOf(cacheFolder, one))
    expect(await evictTrainingCaches(cacheFolder, { limitBytes: 300, keep: new Set([oldest!]) })).toBe(256)
    const left = readdirSync(join(cacheFolder, 'frozen-layers')).map((name) =>
      join(cacheFolder, 'frozen-layers', name),
    )
    expect(left.sort()).toEqual([oldest!, newest!].sort())
    expect(left).not.toContain(middle)
    expect(await evictTrainingCaches(newCache(), { limitBytes: 0, keep: new Set() })).toBe(0)
  })
})
