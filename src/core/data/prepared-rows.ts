// The rows that were read last, kept for a while: the steps of the wizard ask for the same ones again and again. One set at
// a time, none of large files, and never those of a file that was written since.
import { stat } from 'node:fs/promises'
import type { RecipeDraft, ScenarioId } from '#shared/recipe.ts'
import { type PreparedData, prepareData } from './check-data.ts'

/** As `prepareData`: throws a ProblemError where the file cannot be read. */
export type PrepareRows = (data: RecipeDraft['data'], scenario: ScenarioId) => Promise<PreparedData>

/** Rows of larger files would take memory that training needs. */
const largestKeptBytes = 32e6
const keptMs = 2 * 60_000

export function createPreparedRows(prepare: typeof prepareData = prepareData): PrepareRows {
  let kept: { readonly key: string; readonly prepared: Promise<PreparedData> } | null = null
  return async (data, scenario) => {
    const { path, ...settings } = data
    const key = await keyOf(data, scenario)
    if (key !== null && kept?.key === key) return kept.prepared
    const prepared = prepare(path, { scenario, ...settings })
    const entry = key === null ? null : { key, prepared }
    kept = entry
    const forget = (): void => {
      if (kept === entry) kept = null
    }
    prepared.then(({ read }) => {
      if (read.source.sizeBytes > largestKeptBytes) forget()
      else setTimeout(forget, keptMs).unref()
    }, forget)
    return prepared
  }
}

/** Everything the rows are a function of; null where a file cannot be looked at. */
async function keyOf(data: RecipeDraft['data'], scenario: ScenarioId): Promise<string | null> {
  const { path, morePaths, columns, validationShare, testShare, splitSeed, fixes, groupColumn } = data
  const files = await Promise.all(
    [path, ...morePaths].map(async (file) => {
      const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
      return [file, ...[ino, size, mtimeNs, ctimeNs].map(String)]
    }),
  ).catch(() => null)
  if (files === null) return null
  const choices = [columns, validationShare, testShare, splitSeed, fixes, groupColumn]
  return JSON.stringify([scenario, files, ...choices])
}
