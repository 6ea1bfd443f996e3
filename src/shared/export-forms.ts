// In which forms a run can be taken away. An adapter can go as it is, or worked into its model; a run that trained the
// model itself has no adapter. A new last layer goes with its model: alone it says nothing, and GGUF has no place for it.
import type { Recipe } from './recipe.ts'

export const exportForms = ['peft', 'model', 'gguf-f16', 'gguf-q8'] as const
export type ExportForm = (typeof exportForms)[number]

const formsByMethod: Readonly<Record<Recipe['method']['kind'], readonly ExportForm[]>> = {
  lora: exportForms,
  full: exportForms.filter((form) => form !== 'peft'),
  head: ['model'],
  'lora-head': ['model'],
  'full-head': ['model'],
}

/** The forms that a run of this method has, the most usual one first. */
export const exportFormsOf = ({ kind }: Pick<Recipe['method'], 'kind'>): readonly ExportForm[] =>
  formsByMethod[kind]
