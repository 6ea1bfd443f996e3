// Entry of the command line.
import { runProgram } from './program.ts'

// A closed pipe or terminal is no fault: what must be saved is saved all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

await runProgram()
