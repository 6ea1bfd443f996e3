// The README's first command, as a stranger runs it, on an empty library: the facts it writes, and that they agree with
// the journal and with the files on the disk. Needs the package registry; says so where it cannot be reached.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openJournalReader } from '../../src/journal/reader.ts'
import { unwrap } from '../../src/shared/result.ts'
import { findStarterGguf } from '../support/models.ts'

const root = join(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'tunewright-demo-'))
const factsPath = join(work, 'facts.json')
afterAll(() => rmSync(work, { recursive: true, force: true }))
if (findStarterGguf() === null) console.info('NOTICE: no starter model here, the demo is left out.')

interface Facts {
  seconds: number
  rows: { total: number; train: number; validation: number; test: number; leftOut: number }
  leftOut: { line: number; reason: string }[]
  baseline: { metric: string; value: number; low: number; high: number }
  tuned: { metric: string; value: number; low: number; high: number }
  difference: { value: number; low: number; high: number }
  verdict: string
  verdictKind: string
  curves: { train: { step: number; lossNats: number }[]; validation: { step: number; lossNats: number }[] }
  artifacts: { runId: string; adapter: string; adapterSha256: string; journal: string; export: string }
}

test.skipIf(findStarterGguf() === null)(
  'the demo ends with an honest gain that the journal and the files confirm',
  () => {
    const done = spawnSync('npm', ['run', 'demo', '--', '--json', factsPath], {
      cwd: root,
      env: { ...process.env, TUNEWRIGHT_HOME: join(work, 'library') },
      encoding: 'utf8',
      timeout: 1_500_000,
    })
    expect(done.status, done.stderr).toBe(0)
    const facts: Facts = JSON.parse(readFileSync(factsPath, 'utf8'))
    expect(facts.rows.total + facts.rows.leftOut).toBe(331)
    expect(facts.leftOut).toHaveLength(facts.rows.leftOut)
    expect(facts.baseline.metric).toBe('accuracy')
    for (const one of [facts.baseline, facts.tuned, facts.difference]) {
      expect(one.low).toBeLessThanOrEqual(one.value)
      expect(one.high).toBeGreaterThanOrEqual(one.value)
    }
    expect(facts.difference.low).toBeGreaterThan(0)
    expect(facts.verdictKind).toBe('better')
    expect(facts.verdict).toMatch(/better/)
    const { artifacts, curves } = facts
    const adapter = readFileSync(join(artifacts.adapter, 'adapter_model.safetensors'))
    expect(createHash('sha256').update(adapter).digest('hex')).toBe(artifacts.adapterSha256)
    const reader = unwrap(openJournalReader(artifacts.journal))
    expect(unwrap(reader.getRun(artifacts.runId))).toMatchObject({
      status: 'finished',
      adapterSha256: artifacts.adapterSha256,
    })
    const kept = unwrap(reader.curve(artifacts.runId))
    expect(kept.train.map(({ lossNats }) => lossNats)).toEqual(curves.train.map(({ lossNats }) => lossNats))
    expect(kept.validation.at(-1)?.lossNats).toBeLessThan(kept.validation[0].lossNats)
    reader.close()
    expect(done.stdout).toContain(artifacts.export)
  },
  1_600_000,
)
