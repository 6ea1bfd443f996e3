// For the test of an engine's own runtime: makes the backend of it in a process of its own and says which libraries are
// in that process then.
import { readFileSync } from 'node:fs'
import { createOnnxBackend } from '#backends/onnx/session.ts'

const [libraryFolder = ''] = process.argv.slice(2)
const { name } = createOnnxBackend({ provider: 'cpu', libraryFolder })
const mapped = readFileSync('/proc/self/maps', 'utf8').match(/\/\S+\.so[\d.]*$/gm) ?? []
process.stdout.write(JSON.stringify({ name, libraries: [...new Set(mapped)] }))
