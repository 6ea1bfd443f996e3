// Fails when the same code stands twice in src: runs of 12 or more equal lines (blank lines, imports, comments and lone
// punctuation do not count). One piece of code can then serve, or the shared shape deserves a name.
import { globSync, readFileSync } from 'node:fs'

const minimumLines = 12

interface Line {
  readonly file: string
  readonly number: number
  readonly text: string
}

function meaningfulLines(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => ({ file, number: index + 1, text: text.trim() }))
    .filter(({ text }) => /[A-Za-z]/.test(text) && !/^(import|export \*|\/\/|\*|\/\*)/.test(text))
}

const seen = new Map<string, Line>()
const found: string[] = []
for (const file of globSync('src/**/*.{ts,vue}')) {
  const lines = meaningfulLines(file)
  let reportedUntil = -1
  for (let start = 0; start + minimumLines <= lines.length; start += 1) {
    const key = lines
      .slice(start, start + minimumLines)
      .map(({ text }) => text)
      .join('\n')
    const first = seen.get(key)
    const line = lines[start]
    if (first === undefined) seen.set(key, line)
    else if (start > reportedUntil) {
      found.push(`${first.file}:${first.number} ~ ${line.file}:${line.number}`)
      reportedUntil = start + minimumLines
    }
  }
}

for (const pair of found) process.stderr.write(`written twice: ${pair}\n`)
process.exit(found.length > 0 ? 1 : 0)
