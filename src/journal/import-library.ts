// Projects, models and data sets of another journal that its runs need: taken over where they are not known, refused where
// another one has their name.
import { newDataset, newModel, newProject } from '#shared/journal-commands.ts'
import {
  type Copy,
  checkFits,
  checkPlainId,
  type ImportChoice,
  type Imported,
  insertRow,
  isSameRow,
  rowOf,
  rowsOf,
} from './import-rows.ts'
import { refuse } from './problems.ts'
import { readJson } from './read-json.ts'

export function ensureProject(copy: Copy, id: string, { origin, bringsBack }: ImportChoice): Imported {
  const row = rowOf(copy.from, 'projects', 'id', id)
  if (row === undefined)
    return refuse('journal.invalid', 'Its project is missing.', `project ${id}`, 'It was left out.')
  checkPlainId(id, `project ${id}`)
  checkFits(newProject, { name: row.name, scenario: row.scenario, goal: row.goal }, `project ${id}`)
  const known = rowOf(copy.to, 'projects', 'id', id)
  if (known !== undefined) {
    if (known.scenario !== row.scenario)
      refuse(
        'journal.conflict',
        `The project "${known.name}" here is about ${known.scenario}, there about ${row.scenario}.`,
        `project ${id}`,
        'Its runs were left out.',
      )
    if (bringsBack && known.removed_at_ms !== null) unhideProject(copy, id, String(row.name), origin)
    return 'known'
  }
  insertRow(copy, 'projects', { ...row, name: freeName(copy, String(row.name), origin) })
  return 'added'
}

function unhideProject({ to, from }: Copy, id: string, name: string, origin: string | null): void {
  to.prepare('UPDATE projects SET name = ?, removed_at_ms = NULL WHERE id = ?').run(
    freeName({ to, from }, name, origin),
    id,
  )
}

/** Two projects of one name are told apart by where the later one came from. */
function freeName({ to }: Copy, name: string, origin: string | null): string {
  const isTaken = (wanted: string): boolean => rowOf(to, 'projects', 'name', wanted) !== undefined
  if (!isTaken(name)) return name
  const short = name.slice(0, 300)
  for (let number = 1; ; number += 1) {
    const wanted = `${short} (from ${(origin ?? 'elsewhere').slice(0, 100)}${number === 1 ? '' : ` ${number}`})`
    if (!isTaken(wanted)) return wanted
  }
}

export function ensureModel(copy: Copy, id: string): void {
  const row = rowOf(copy.from, 'models', 'id', id)
  if (row === undefined) refuse('journal.invalid', 'Its model is missing.', `model ${id}`, 'It was left out.')
  checkPlainId(id, `model ${id}`)
  const { name, source, licence, weights_sha256: weightsSha256, parameters } = row
  checkFits(newModel, { id, name, source, licence, weightsSha256, parameters }, `model ${id}`)
  const known = rowOf(copy.to, 'models', 'id', id)
  if (known === undefined) insertRow(copy, 'models', row)
  else if (known.weights_sha256 !== row.weights_sha256)
    refuse(
      'journal.conflict',
      `The model "${known.name}" has other weights here.`,
      `model ${id}`,
      'It was left out.',
    )
}

export function ensureDataset(copy: Copy, fingerprint: string): void {
  const row = rowOf(copy.from, 'datasets', 'fingerprint', fingerprint)
  if (row === undefined)
    refuse('journal.invalid', 'Its data set is missing.', `data set ${fingerprint}`, 'It was left out.')
  checkPlainId(fingerprint, `data set ${fingerprint}`)
  checkFits(
    newDataset,
    {
      fingerprint,
      scenario: row.scenario,
      sourceName: row.source_name,
      manifest: readJson(String(row.manifest)),
      counts: {
        train: row.train_rows,
        validation: row.validation_rows,
        test: row.test_rows,
        leftOut: row.left_out_rows,
      },
    },
    `data set ${fingerprint}`,
  )
  const known = rowOf(copy.to, 'datasets', 'fingerprint', fingerprint)
  if (known === undefined) insertRow(copy, 'datasets', row)
  else if (!isSameRow(known, row, ['source_name', 'manifest', 'added_at_ms']))
    refuse(
      'journal.conflict',
      'There is another data set with this fingerprint here.',
      `data set ${fingerprint}`,
      'It was left out.',
    )
  for (const opening of rowsOf(copy.from, 'test_set_openings', 'dataset_fingerprint = ? AND run_id IS NULL', [
    fingerprint,
  ]))
    if (rowOf(copy.to, 'test_set_openings', 'id', opening.id) === undefined)
      insertRow(copy, 'test_set_openings', opening)
}
