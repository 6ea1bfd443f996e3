// Commands about what a person has: projects, models and data sets. Saying the same thing twice is not an error.
import { newDataset, newModel, newProject } from '#shared/journal-commands.ts'
import type { JournalDataset, JournalModel, JournalProject } from '#shared/journal-types.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { newId } from './ids.ts'
import { jsonText } from './json-text.ts'
import { refuse } from './problems.ts'
import { first, run, sqlFor } from './query.ts'
import { toDataset, toModel, toProject } from './rows.ts'

/** A project by a new name. */
export function addProject({ db, now }: WriterContext, input: unknown): JournalProject {
  const { name, scenario, goal } = checkInput(newProject, input, 'project')
  if (findProject(db, name))
    refuse(
      'journal.conflict',
      `There already is a project "${name}".`,
      `project ${name}`,
      'Choose another name.',
    )
  const row = { id: newId('project', now()), name, scenario, goal, created_at_ms: now(), removed_at_ms: null }
  run(db, sqlFor.insertInto('projects').values(row))
  return toProject(row)
}

/** The project of this name, made where there is none. Its scenario must be the same; its goal stays the first one. */
export function ensureProject(context: WriterContext, input: unknown): JournalProject {
  const { name, scenario } = checkInput(newProject, input, 'project')
  const known = findProject(context.db, name)
  if (!known) return addProject(context, input)
  if (known.scenario !== scenario)
    refuse(
      'journal.conflict',
      `The project "${name}" is about ${known.scenario}, not ${scenario}.`,
      `project ${name}`,
      'Choose another project name for this scenario.',
    )
  return toProject(known)
}

const findProject = (db: WriterContext['db'], name: string) =>
  first(db, sqlFor.selectFrom('projects').selectAll().where('name', '=', name))

/** A model of the library. The same id with the same weights is the same model: the first record stays. */
export function addModel({ db, now }: WriterContext, input: unknown): JournalModel {
  const model = checkInput(newModel, input, 'model')
  const known = first(db, sqlFor.selectFrom('models').selectAll().where('id', '=', model.id))
  if (known && known.weights_sha256 !== model.weightsSha256)
    refuse(
      'journal.conflict',
      `The journal knows the model "${model.id}" with other weights.`,
      `model ${model.id}`,
      'Add the model under another name.',
    )
  if (known) return toModel(known)
  const row = {
    id: model.id,
    name: model.name,
    source: model.source,
    licence: model.licence,
    weights_sha256: model.weightsSha256,
    parameters: model.parameters,
    added_at_ms: now(),
  }
  run(db, sqlFor.insertInto('models').values(row))
  return toModel(row)
}

/** A data set of the library. A fingerprint covers every byte of its rows: the same one is the same data set. */
export function addDataset({ db, now }: WriterContext, input: unknown): JournalDataset {
  const dataset = checkInput(newDataset, input, 'dataset')
  const manifest = jsonText(dataset.manifest, 'dataset.manifest')
  const known = first(
    db,
    sqlFor.selectFrom('datasets').selectAll().where('fingerprint', '=', dataset.fingerprint),
  )
  if (known) return toDataset(known)
  const row = {
    fingerprint: dataset.fingerprint,
    scenario: dataset.scenario,
    source_name: dataset.sourceName,
    manifest,
    train_rows: dataset.counts.train,
    validation_rows: dataset.counts.validation,
    test_rows: dataset.counts.test,
    left_out_rows: dataset.counts.leftOut,
    added_at_ms: now(),
  }
  run(db, sqlFor.insertInto('datasets').values(row))
  return toDataset(row)
}
