// Which addresses are the application's own page. Compared as text: to Node every app: address has the origin "null", as
// have file: and data: ones, so that comparing origins would let all of them pass.
export const pageOrigin = 'app://tunewright'

export const isOwnPage = (url: string): boolean => url.startsWith(`${pageOrigin}/`)
