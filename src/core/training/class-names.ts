// What the outputs of a classification head stand for, in order: the labels of the data, or the tags of BIO.
import type { DatasetManifest } from '#shared/dataset.ts'
import type { ScenarioId } from '#shared/recipe.ts'

/** Outside of every name; the first of the tags. */
export const outsideTag = 'O'

/** The tag of a name's first word, then that of its further words (Ramshaw & Marcus 1995, as BIO2). */
export const tagsOfKind = (kind: string): readonly [begins: string, goesOn: string] => [
  `B-${kind}`,
  `I-${kind}`,
]

/** None where the scenario's answers are free texts. */
export function classNamesOf(
  scenario: ScenarioId,
  { labels, facts }: { readonly labels: readonly string[] | null } & Pick<DatasetManifest, 'facts'>,
): readonly string[] {
  if (scenario === 'classification') return labels ?? []
  if (scenario !== 'entity-recognition') return []
  const kinds = facts?.labels ?? []
  return kinds.length === 0 ? [] : [outsideTag, ...kinds.flatMap(tagsOfKind)]
}
