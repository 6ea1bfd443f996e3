// Where a journal must not live.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { assertSafeFolder, cloudServiceOf, isServerPath } from '#journal/safe-folder.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from './support/folders.ts'
import { codeOf } from './support/sample.ts'

test.each([
  ['C:\\Users\\Ann\\OneDrive\\Tunewright', 'OneDrive'],
  ['C:\\Users\\Ann\\OneDrive - Clinic North\\x', 'OneDrive'],
  ['/Users/ann/Library/Mobile Documents/com~apple~CloudDocs/t', 'iCloud Drive'],
  ['/Users/ann/Library/CloudStorage/Box-Box/t', 'a cloud service'],
  ['/home/ann/Dropbox', 'Dropbox'],
  ['/home/ann/Dropbox (Work)/t', 'Dropbox'],
  ['G:\\My Drive\\t', 'Google Drive'],
  ['/home/ann/Google Drive/t', 'Google Drive'],
  ['/home/ann/Nextcloud/t', 'Nextcloud'],
])('%s is synchronised by %s', (folder, service) => {
  expect(cloudServiceOf(folder)).toBe(service)
})

test.each([
  '/home/ann/onedrivers/t',
  '/home/dropboxer/t',
  '/home/ann/my drives/t',
  '/tmp/icloud',
  'C:\\OneDriveBackup',
])('%s is an ordinary folder', (folder) => {
  expect(cloudServiceOf(folder)).toBeUndefined()
})

test('a path on another computer is told from a long local one', () => {
  expect(isServerPath('\\\\server\\share\\t')).toBe(true)
  expect(isServerPath('\\\\?\\UNC\\server\\share')).toBe(true)
  expect(isServerPath('\\\\?\\C:\\t')).toBe(false)
  expect(isServerPath('\\\\.\\C:')).toBe(false)
  expect(isServerPath('C:\\t')).toBe(false)
})

test('this disk is fine, and a journal in a synchronised folder is refused before anything is made there', () => {
  const folder = temporaryFolder()
  assertSafeFolder(folder)
  mkdirSync(join(folder, 'Dropbox'))
  for (const name of ['Dropbox', 'a-link']) {
    if (name === 'a-link') symlinkSync(join(folder, 'Dropbox'), join(folder, name))
    const refused = openJournalWriter(join(folder, name, 'deep', 'journal.db'))
    expect(codeOf(refused)).toBe('journal.unsafe-folder')
    expect(existsSync(join(folder, name, 'deep'))).toBe(false)
  }
})
