// Foreign text (names of files, models, runs) in Markdown: it can never become markup.

/** One line of foreign text inside Markdown: no line breaks, no character with a meaning, no address that turns into a link. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/[\\`*_{}[\]<>#|~&$:@]/gu, (character) => `\\${character}`)
    .replace(/www\./giu, (start) => `${start.slice(0, 3)}\\.`)
}
