// Which addresses may leave the program for the browser, after a person said yes to the full text. Everything else the
// system could open (files, programs, mail, settings) is refused here, before anybody is asked.

/** The address as it will be opened, host name in ASCII; null where it may not. */
export function externalAddress(text: string): string | null {
  if (text !== text.trim() || [...text].some(isControl)) return null
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return null
  }
  const isPlain = url.protocol === 'https:' && url.username === '' && url.password === '' && url.port === ''
  return isPlain && url.hostname.includes('.') && text.toLowerCase().startsWith('https://') ? url.href : null
}

const isControl = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0
  return code < 32 || (code >= 127 && code < 160) || character === '\\'
}
