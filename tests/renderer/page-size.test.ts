// The page as it is built: small as a whole, and nothing of the charts in what is loaded before a screen needs one.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { pageFolder } from '#core/system/program-places.ts'
import { ensureBuilt } from '../../scripts/program-build.ts'

const limitBytes = 1_500_000
const gzippedBytes = (name: string): number => gzipSync(readFileSync(join(pageFolder, name))).length

beforeAll(async () => {
  expect(await ensureBuilt()).toBeNull()
}, 300_000)

test('programs and styles are under 1.5 MB gzipped, and the first screen comes without charts', () => {
  const parts = globSync('**/*.{js,css,html}', { cwd: pageFolder })
  const all = parts.reduce((sum, name) => sum + gzippedBytes(name), 0)
  expect(all).toBeLessThan(limitBytes)

  const html = readFileSync(join(pageFolder, 'index.html'), 'utf8')
  const first = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name!)
  const isChart = (name: string): boolean => readFileSync(join(pageFolder, name), 'utf8').includes('zrender')
  expect(first.length).toBeGreaterThan(1)
  expect(first.filter(isChart)).toEqual([])
  expect(parts.filter(isChart)).toHaveLength(1)
  console.info(
    `The page: ${Math.round(all / 1000)} kB gzipped, ${Math.round(first.reduce((sum, name) => sum + gzippedBytes(name), 0) / 1000)} kB of it before the first screen.`,
  )
})
