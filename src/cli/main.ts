// Entry of the command line.
import { CommanderError } from 'commander'
import { exitCodes } from './output.ts'
import { createProgram } from './program.ts'

// A closed pipe or terminal is no fault: what must be saved is saved all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await createProgram().parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}
