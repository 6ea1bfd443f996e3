// safety.md 3.4: foreign text shows no character that is invisible or turns the direction of writing.
import { describe, expect, it } from 'vitest'
import { nameForeign, showForeign } from '#renderer/foreign-text.ts'
import { t } from '#renderer/words/index.ts'

const shown = (text: string): string => showForeign(text, 2000).text

describe('foreign text', () => {
  it('leaves plain text, line breaks and tabs as they are', () => {
    const plain = 'Grüße, “quotes”, 3 × 4 … é ê \u00A0 →\n\tend ⟨ok⟩ \uFFFD'
    expect(showForeign(plain, 2000)).toEqual({ text: plain, isCut: false })
  })

  it.each([
    ['a control', '\u0007'],
    ['a carriage return', '\r'],
    ['a mark of direction', '\u202E'],
    ['an isolate', '\u2066'],
    ['a zero-width space', '\u200B'],
    ['a byte order mark', '\uFEFF'],
    ['a soft hyphen', '\u00AD'],
    ['a joiner', '\u200D'],
    ['a non-joiner', '\u200C'],
    ['a Hangul filler', '\u3164'],
    ['a leading Hangul filler', '\u115F'],
    ['a middle Hangul filler', '\u1160'],
    ['a halfwidth Hangul filler', '\uFFA0'],
    ['an empty braille cell', '\u2800'],
    ['an emoji selector', '\uFE0F'],
    ['another selector', '\u{E0100}'],
    ['a tag', '\u{E0041}'],
    ['a combining grapheme joiner', '\u034F'],
    ['a line separator', '\u2028'],
    ['a private character', '\uE000'],
    ['a lone half of a pair', '\uD83D'],
  ])('makes %s between Latin letters visible', (_what, character) => {
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    expect(shown(`pay${character}pal`)).toBe(`pay⟨U+${code}⟩pal`)
  })

  it.each([
    ['👩🏽‍🚀', 'a person with a skin and a profession'],
    ['👨‍👩‍👧', 'a family'],
    ['🏳️‍🌈', 'a flag'],
    ['❤️‍🔥', 'a heart on fire'],
    ['1️⃣', 'a key'],
    ['©️', 'a sign as an emoji'],
    ['می‌خواهم', 'Persian with a non-joiner'],
    ['क्‍ष', 'Devanagari with a joiner'],
    ['ශ්‍රී', 'Sinhala with a joiner'],
    ['葛\u{E0100}', 'a Han variant'],
  ])('keeps what %s needs (%s)', (text) => {
    expect(shown(text)).toBe(text)
  })

  it('shows what repeats a needed joiner or stands at the wrong place', () => {
    expect(shown('می‌‌خ')).toBe('می‌⟨U+200C⟩خ')
    expect(shown('👩‍x')).toBe('👩⟨U+200D⟩x')
    expect(shown('1\uFE0F2')).toBe('1⟨U+FE0F⟩2')
  })

  it('cuts at the limit, never inside a character, and leaves no U+FFFD', () => {
    expect(showForeign('abcdef', 3)).toEqual({ text: 'abc', isCut: true })
    expect(showForeign('abc', 3)).toEqual({ text: 'abc', isCut: false })
    expect(showForeign('ab😀', 3)).toEqual({ text: 'ab', isCut: true })
    expect(showForeign('ab😀', 4)).toEqual({ text: 'ab😀', isCut: false })
    expect(showForeign('👩‍🚀', 3)).toEqual({ text: '👩', isCut: true })
    for (let limit = 1; limit < 12; limit++)
      expect(showForeign('😀a😀é👩‍🚀x', limit).text).not.toMatch(/[\uFFFD\p{Cs}]/u)
  })

  it('says in a name that it was cut', () => {
    expect(nameForeign('a\u202Etxt.exe', 20)).toBe('a⟨U+202E⟩txt.exe')
    expect(nameForeign('abcdef', 3)).toBe('abc…')
  })

  it('holds for every name that a sentence takes', () => {
    expect(t('wizard.data.removeFile', { name: 'a\u202Ecod.exe' })).toBe('Remove a⟨U+202E⟩cod.exe')
    expect(t('wizard.data.removeFile', { name: 'x'.repeat(10_000) }).length).toBeLessThan(600)
  })
})
