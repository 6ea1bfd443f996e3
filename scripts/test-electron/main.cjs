// Stands in for the start-up program that Electron's own download contains: loads the program in the folder it is given.
// Understands what Playwright passes: `-r FILE` before the folder, switches anywhere. For tests only.
const Module = require('node:module')
const { readFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { app } = require('electron')

const preloads = []
let folder = null
const words = process.argv.slice(1)
for (let at = 0; at < words.length && folder === null; at += 1) {
  if (words[at] === '-r' || words[at] === '--require') {
    at += 1
    preloads.push(words[at])
  } else if (!words[at].startsWith('-')) folder = resolve(words[at])
}
if (folder === null) {
  console.error('usage: electron [-r FILE] FOLDER')
  process.exit(2)
}
if (preloads.length > 0) Module._preloadModules(preloads)
const description = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
app.setName(description.productName ?? description.name)
app.setVersion(description.version)
app.setAppPath(folder)
Module._load(join(folder, description.main), null, true)
