// WCAG 2.2 AA: text stands out from every ground it can stand on, in light and in dark.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync(new URL('../../src/renderer/theme.css', import.meta.url), 'utf8')
const coloursOf = (selector: string): Map<string, string> => {
  const block = css.slice(css.indexOf(`${selector} {`)).split('}')[0] ?? ''
  return new Map(
    [...block.matchAll(/--c-([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', value = '']) => [name, value]),
  )
}
const light = coloursOf(':root')
const dark = new Map([...light, ...coloursOf(':root.dark')])

/** Relative luminance by WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
function contrast(colours: ReadonlyMap<string, string>, text: string, ground: string): number {
  const [low = 0, high = 0] = [text, ground]
    .map((name) => luminance(colours.get(name) ?? ''))
    .toSorted((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

// A chosen card is `accent-soft` and holds ink, second and accent.
const pairs: readonly (readonly [text: string, ground: string])[] = [
  ...['ground', 'panel', 'hover'].flatMap((ground) =>
    ['ink', 'second', 'third', 'accent'].map((text) => [text, ground] as const),
  ),
  ...['ink', 'second', 'accent'].map((text) => [text, 'accent-soft'] as const),
  ...['ink', 'second', 'warning'].map((text) => [text, 'warning-soft'] as const),
  ...['ink', 'second', 'error'].map((text) => [text, 'error-soft'] as const),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ...['subject-few-shot', 'subject-retrieval', 'run-rose', 'run-violet', 'run-teal'].map(
    (ground) => ['on-few-shot', ground] as const,
  ),
]

describe.each([
  ['light', light],
  ['dark', dark],
])('%s', (_name, colours) => {
  it.each(pairs)('%s on %s', (text, ground) => {
    expect(contrast(colours, text, ground)).toBeGreaterThanOrEqual(4.5)
  })
})
