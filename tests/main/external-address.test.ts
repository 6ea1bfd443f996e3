// What may leave for the browser (safety.md, E6): plain https addresses, spelled as they will be opened.
import { expect, test } from 'vitest'
import { externalAddress } from '#main/external-address.ts'

test('plain https addresses pass, host names in ASCII', () => {
  expect(externalAddress('https://example.org/a?b=c#d')).toBe('https://example.org/a?b=c#d')
  expect(externalAddress('https://EXAMPLE.org')).toBe('https://example.org/')
  expect(externalAddress('https://bücher.example/')).toBe('https://xn--bcher-kva.example/')
})

const schemes = [
  'http',
  'file',
  'smb',
  'ftp',
  'javascript',
  'data',
  'vbscript',
  'mailto',
  'tel',
  'ms-msdt',
  'ms-settings',
  'ms-word',
  'search-ms',
  'ssh',
  'telnet',
  'app',
  'chrome',
  'about',
  'blob',
  'ws',
  'wss',
  'steam',
  'vscode',
  'slack',
  'x-apple',
]
const spellings = (scheme: string): string[] => [
  `${scheme}://example.org/`,
  `${scheme}:example.org`,
  `${scheme.toUpperCase()}://example.org/`,
  ` ${scheme}://example.org/`,
  `${scheme}:\\\\example.org\\share`,
  `\u0000${scheme}://example.org`,
  `${scheme}:https://example.org/`,
]

test('175 addresses of other kinds do not', () => {
  const addresses = schemes.flatMap(spellings)
  expect(addresses).toHaveLength(175)
  expect(addresses.filter((address) => externalAddress(address) !== null)).toEqual([])
})

test('odd spellings of https do not', () => {
  const odd = [
    '',
    'https:',
    'https://',
    'https:///',
    'https:example.org',
    'https:/example.org',
    'https:\\\\example.org',
    ' https://example.org',
    'https://example.org ',
    'https://user@example.org/',
    'https://user:pass@example.org/',
    'https://example.org:8443/',
    'https://localhost/',
    'https://local',
    'https://exam\nple.org/',
    'https://example.org/\tx',
    'ht\ttps://example.org/',
    'https://example.org\\@evil.example/',
    '//example.org/',
    'example.org',
    '/etc/passwd',
    'C:\\Windows\\System32\\calc.exe',
    'https://[::1]/',
    'https://exa mple.org/',
  ]
  expect(odd.filter((address) => externalAddress(address) !== null)).toEqual([])
})
