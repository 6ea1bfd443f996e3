#!/usr/bin/env node
// `tunewright …` from a clone: installs what is missing, then the command line on the project's own Node.
import { ensureInstalled, runCommandLine } from './installed.mjs'

await ensureInstalled()
await runCommandLine(process.argv.slice(2))
