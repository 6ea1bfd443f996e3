// Characters that an earlier program damaged by reading a text in the wrong encoding.

/** The sign for an unreadable character, or UTF-8 that was read as Windows-1252: "Ã©", "â€™". */
export const isDamagedText = (text: string): boolean =>
  /\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF™œ“”˜]/.test(text)
