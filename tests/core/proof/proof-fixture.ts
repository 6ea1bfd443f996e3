// A library with a tiny model, its adapter, an imported data set and a run in a real journal: everything a proof needs.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetFolder, importDataset } from '#core/data/index.ts'
import { createProofJournal, type ProofSpec } from '#core/proof/index.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { DatasetManifest } from '#shared/dataset.ts'
import { recipe, recipeDraft, type ScenarioId, trainingMethod } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyAdapter, writeTinyModel } from '../../processes/tiny-model.ts'

export interface ProofFixture {
  readonly library: Library
  readonly manifest: DatasetManifest
  readonly writer: JournalWriter
  readonly reader: JournalReader
  readonly spec: ProofSpec
  readonly journal: ReturnType<typeof createProofJournal>
  close(): void
}

const pick = (row: number, ...of: readonly string[]): string => of[row % of.length]!

/** One record of each scenario. */
const records: Partial<Record<ScenarioId, (row: number) => Record<string, unknown>>> = {
  classification: (row) => ({
    text: `message ${row} about ${pick(row, 'bills', 'bugs', 'praise')}`,
    label: pick(row, 'billing', 'bug', 'praise'),
  }),
  'question-answering': (row) => ({
    question: `What is item ${row}?`,
    answer: `It is the ${pick(row, 'red', 'blue', 'green')} one`,
  }),
  chatbot: (row) => ({
    messages: [
      { role: 'user', content: `Hello ${row}` },
      { role: 'assistant', content: 'Hi.' },
      { role: 'user', content: `Is ${pick(row, 'it', 'she', 'he')} there?` },
      { role: 'assistant', content: pick(row, 'Yes.', 'No.') },
    ],
  }),
  code: (row) => ({
    task: `Write add${row}(n).`,
    code: `def add${row}(n):\n    return n + ${row}`,
    ...(row % 2 === 0 ? { tests: `assert add${row}(1) == ${row + 1}` } : {}),
  }),
  domain: (row) => ({
    text: `Entry ${row}: the ${pick(row, 'saddle', 'wheel', 'chain')} is greased – gründlich.`,
  }),
}

export async function makeProofFixture(scenario: ScenarioId, rows: number): Promise<ProofFixture> {
  const library = openLibrary(mkdtempSync(join(tmpdir(), 'tunewright-proof-')))
  const modelFolder = writeTinyModel(join(library.modelsFolder, 'm-tiny'))
  const adapterFolder = writeTinyAdapter(join(library.runsFolder, 'run-1', 'adapter'))
  const path = join(library.cacheFolder, 'rows.jsonl')
  const record = records[scenario]
  if (record === undefined) throw new Error(`no rows for ${scenario}`)
  writeFileSync(path, Array.from({ length: rows }, (_, row) => `${JSON.stringify(record(row))}\n`).join(''))
  const data = recipeDraft.shape.data.parse({ path, testShare: 0.4 })
  const manifest = unwrap(await importDataset(library, data, scenario))
  const weightsSha256 = await sha256File(join(modelFolder, 'model.safetensors'))
  const { writer, reader } = journalWithRun(library, manifest, scenario, weightsSha256)
  return {
    library,
    manifest,
    writer,
    reader,
    journal: createProofJournal(writer, manifest.fingerprint),
    spec: {
      runId: 'run-1',
      scenario,
      method: trainingMethod.parse({}),
      isAsked: true,
      instruction: 'Answer.',
      model: { folder: modelFolder, weightsSha256 },
      tuned: {
        kind: 'adapter',
        folder: adapterFolder,
        weightsSha256: await sha256File(join(adapterFolder, 'adapter_model.safetensors')),
      },
      datasetFolder: datasetFolder(library, manifest.fingerprint),
      cacheFolder: library.cacheFolder,
      threads: 1,
      maxTokens: 256,
      seed: 42,
      maxAnswerTokens: 6,
    },
    close() {
      reader.close()
      writer.close()
      rmSync(library.home, { recursive: true, force: true })
    },
  }
}

function journalWithRun(
  library: Library,
  manifest: DatasetManifest,
  scenario: ScenarioId,
  weightsSha256: string,
): { writer: JournalWriter; reader: JournalReader } {
  const writer = unwrap(openJournalWriter(library.journalPath))
  const { fingerprint, counts, source } = manifest
  const project = unwrap(writer.ensureProject({ name: 'test', scenario }))
  unwrap(
    writer.addModel({
      id: 'm-tiny',
      name: 'tiny',
      source: 'test',
      licence: 'Apache-2.0',
      weightsSha256,
      parameters: 1000,
    }),
  )
  unwrap(writer.addDataset({ fingerprint, scenario, sourceName: source.name, manifest, counts }))
  unwrap(
    writer.createRun({
      id: 'run-1',
      projectId: project.id,
      name: 'first',
      recipe: recipe.parse({
        version: 1,
        model: { id: 'm-tiny', weightsSha256 },
        data: { fingerprint },
        scenario,
        instruction: 'Answer.',
        threads: 1,
      }),
      backend: 'test',
      device: {},
      versions: {},
    }),
  )
  return { writer, reader: unwrap(openJournalReader(library.journalPath)) }
}

/** A second adapter folder with a broken weights file. */
export function damageAdapter(fixture: ProofFixture): ProofSpec {
  const folder = join(fixture.library.cacheFolder, 'damaged-adapter')
  writeTinyAdapter(folder)
  copyFileSync(join(folder, 'adapter_config.json'), join(folder, 'adapter_model.safetensors'))
  return { ...fixture.spec, tuned: { ...fixture.spec.tuned, folder } }
}
