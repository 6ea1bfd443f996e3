// A goal that learns from plain texts: no instruction, no question and no answer; a passage is read and guessed on.
import type { ScenarioId } from '#shared/recipe.ts'

export const isPlainText = (scenario: ScenarioId | null): boolean => scenario === 'domain'

/** A passage in two, near its middle and between two words, as an example of reading and going on. */
export function cutPassage(text: string): { readonly begins: string; readonly goesOn: string } {
  const space = text.slice(Math.floor(text.length / 2)).search(/\s/)
  const at = space < 0 ? Math.floor(text.length / 2) : Math.floor(text.length / 2) + space
  return { begins: text.slice(0, at), goesOn: text.slice(at).trimStart() }
}
