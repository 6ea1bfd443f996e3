#!/usr/bin/env node
// `tunewright …` from a clone: installs what is missing, then the command line on the project's own Node.
import { ensureInstalled, runInstalled } from './installed.mjs'

ensureInstalled()
runInstalled('node', ['src/cli/main.ts', ...process.argv.slice(2)])
